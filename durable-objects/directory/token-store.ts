/**
 * The tokens that the operator has created: facts about them, but not the tokens themselves. One shard holds all of them.
 */
import { compact } from "../../src/domain/compact.ts";
import type { RegisteredToken, TokenQuery } from "../../src/objects/directory.ts";
import { all, numberIn, parse, put, type Row, textIn } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** The number of expired tokens dropped with each new one. It is more than one, so a backlog shrinks. */
const DROPPED_AT_ONCE = 4;
/**
 * Each answer repeats the revocations of the last few seconds before the previous answer. A revocation that was stored
 * during that question has an earlier time.
 */
const OVERLAP_MS = 10_000;

export class TokenStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  put(token: RegisteredToken, now: number): void {
    this.#tables.prepare();
    const { sql } = this.#tables;
    put(sql, "token", {
      id: token.id,
      role: token.role,
      agent_id: token.agentId,
      user_id: token.userId,
      plugin_id: token.pluginId,
      name: token.name,
      access: token.access,
      agents: token.agents === undefined ? null : JSON.stringify(token.agents),
      created_at: token.createdAt,
      expires_at: token.expiresAt,
    });
    sql.exec(
      "DELETE FROM token WHERE id IN (SELECT id FROM token WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
      now,
      DROPPED_AT_ONCE,
    );
  }

  /** The tokens that are neither expired nor revoked, newest first, since ids begin with the time. */
  list({ limit, now, before }: TokenQuery): RegisteredToken[] {
    if (!this.#tables.present) return [];
    const rows = all(
      this.#tables.sql,
      `SELECT * FROM token WHERE (?1 IS NULL OR id < ?1) AND expires_at > ?2 AND revoked_at IS NULL ORDER BY id DESC LIMIT ?3`,
      before ?? null,
      now,
      limit,
    );
    return rows.map(toToken);
  }

  /** Revokes a token and returns it. Undefined if there is none to revoke. */
  revoke(id: string, now: number): RegisteredToken | undefined {
    if (!this.#tables.present) return undefined;
    const { sql } = this.#tables;
    const rows = all(sql, "SELECT * FROM token WHERE id = ? AND expires_at > ? AND revoked_at IS NULL", id, now);
    const [token] = rows.map(toToken);
    if (token !== undefined) sql.exec("UPDATE token SET revoked_at = ? WHERE id = ?", now, id);
    return token;
  }

  /** The unexpired tokens revoked since `after`, and the time of the last revocation. They have an index of their own. */
  revokedSince(after: number, now: number): { readonly ids: string[]; readonly upTo: number } {
    if (!this.#tables.present) return { ids: [], upTo: after };
    const rows = all(
      this.#tables.sql,
      "SELECT id, revoked_at FROM token WHERE revoked_at >= ? AND expires_at > ?",
      after - OVERLAP_MS,
      now,
    );
    return {
      ids: rows.map(({ id }) => String(id)),
      upTo: rows.reduce((latest, { revoked_at }) => Math.max(latest, Number(revoked_at)), after),
    };
  }
}

const toToken = (row: Row): RegisteredToken =>
  compact({
    id: String(row.id),
    role: row.role as RegisteredToken["role"],
    agentId: textIn(row.agent_id),
    userId: textIn(row.user_id),
    pluginId: textIn(row.plugin_id),
    name: textIn(row.name),
    access: row.access as RegisteredToken["access"],
    agents: row.agents === null ? undefined : parse<string[]>(row.agents),
    createdAt: Number(row.created_at),
    expiresAt: numberIn(row.expires_at) ?? 0,
  });
