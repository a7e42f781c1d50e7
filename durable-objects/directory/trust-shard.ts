/** The part of a directory shard about trust: tokens, open streams and the audit trail. */
import type { AuditEntry, Author, Change } from "../../src/domain/audit.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import type { Found } from "../../src/domain/page.ts";
import { ok } from "../../src/domain/result.ts";
import { TIMED_ID_BYTES, timedId } from "../../src/domain/timed-id.ts";
import type { Env } from "../../src/env.ts";
import type { AuditKey, AuditQuery, RegisteredToken, TokenQuery, TrustRpc } from "../../src/objects/directory.ts";
import { AuditStore } from "./audit-store.ts";
import { EventsShard } from "./events-shard.ts";
import { OpenStreams } from "./open-streams.ts";
import { TokenStore } from "./token-store.ts";

export abstract class TrustShard extends EventsShard implements TrustRpc {
  protected readonly audit: AuditStore;
  readonly #tokens: TokenStore;
  readonly #streams = new OpenStreams();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.audit = new AuditStore(this.tables);
    this.#tokens = new TokenStore(this.tables);
  }

  /** Adds a row to the audit trail, in the commit of the change itself. */
  protected record(
    { by, action, target }: Omit<Change, "by"> & { readonly by: Author | undefined },
    of: Pick<AuditEntry, "jobId" | "owner"> = {},
  ): void {
    if (by === undefined) return;
    const at = Date.now();
    this.audit.add({
      id: timedId("a", at, crypto.getRandomValues(new Uint8Array(TIMED_ID_BYTES))),
      at,
      ...by,
      action,
      target,
      ...of,
    });
  }

  async putToken(token: RegisteredToken, by: Author): Promise<void> {
    this.#tokens.put(token, Date.now());
    this.record({ action: "token.create", target: token.id, by });
  }

  async listTokens(query: TokenQuery): Promise<RegisteredToken[]> {
    return this.#tokens.list(query);
  }

  async revokeToken(id: string, by: Author, now: number): Promise<Outcome<RegisteredToken>> {
    const token = this.#tokens.revoke(id, now);
    if (token === undefined) return notFound("token");
    this.record({ action: "token.revoke", target: id, by });
    return ok(token);
  }

  async revokedTokens(after: number, now: number): Promise<{ readonly ids: string[]; readonly upTo: number }> {
    return this.#tokens.revokedSince(after, now);
  }

  async openStream(token: string, lease: string, leaseMs: number): Promise<boolean> {
    return this.#streams.open(token, lease, leaseMs, Date.now());
  }

  async closeStream(token: string, lease: string): Promise<void> {
    this.#streams.close(token, lease);
  }

  async listAudit(query: AuditQuery): Promise<Found<AuditEntry, AuditKey>> {
    return this.audit.list(query);
  }

  async noteChange(change: Change): Promise<void> {
    this.record(change);
  }
}
