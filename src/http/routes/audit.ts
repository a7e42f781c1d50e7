/** `GET /v1/audit`: who changed what, for the operator (docs/contract.md §17). */
import * as z from "zod";
import { listAudit } from "../../directory/audit.ts";
import type { AuditEntry } from "../../domain/audit.ts";
import { compact } from "../../domain/compact.ts";
import { type FieldError, invalid } from "../../domain/failure.ts";
import { mapPage } from "../../domain/page.ts";
import { formatInstant, parseInstant } from "../../domain/time/instant.ts";
import { InstantText } from "../../schema/schedule.ts";
import { pageCursor, pageLimit, pageShape, queryText } from "../fields.ts";
import { reply, route } from "../route.ts";

const DEFAULT_LIMIT = 50;

const Entry = z
  .strictObject({
    id: z.string(),
    at: z.string(),
    actor: z.string().meta({
      description: "`admin`, `agent:A`, `user:U`, `plugin:P`, or `code` for what code of the deployment registers.",
      examples: ["agent:helper"],
    }),
    token_id: z.string().optional().meta({ description: "The token that was used, if it has an id." }),
    action: z.string().meta({
      description:
        "`job.create` `job.update` `job.pause` `job.resume` `job.delete`; `trigger_token.create` `trigger_token.delete`; `agent.` `token.` `heartbeat.` `user.` `users.` `subscription.` followed by the act.",
      examples: ["job.update"],
    }),
    target: z.string().meta({ description: "The id of the changed thing; for a heartbeat, its name." }),
    job_id: z.string().optional(),
    owner: z
      .string()
      .optional()
      .meta({ description: "The owner, if the target is a job.", examples: ["user:u1"] }),
  })
  .meta({ id: "AuditEntry", description: "One change; never its message, payload, output or secrets." });

const entryView = ({ at, tokenId, jobId, ...entry }: AuditEntry): z.output<typeof Entry> =>
  compact({ ...entry, at: formatInstant(at), token_id: tokenId, job_id: jobId });

const bound = (what: string) => InstantText.optional().meta({ description: `${what} RFC 3339 with an offset.` });

const list = route({
  method: "get",
  path: "/v1/audit",
  access: "admin",
  id: "listAudit",
  tag: "Audit",
  summary: "Read who changed what, newest first",
  description:
    "One entry for each successful change of a job, an agent, a token, a heartbeat, a subscription or the roster; kept for 90 days, even after a deletion. Running a job adds no entry.",
  query: z.strictObject({
    job_id: queryText.optional().meta({ description: "Changes of this job." }),
    actor: queryText.optional().meta({ description: "Changes by this actor.", examples: ["agent:helper"] }),
    action: queryText.optional().meta({ description: "Changes of this kind.", examples: ["job.update"] }),
    since: bound("Only entries from this time on."),
    until: bound("Only entries up to this time."),
    limit: pageLimit(DEFAULT_LIMIT),
    cursor: pageCursor,
  }),
  answers: { 200: { description: "A page of the audit trail.", schema: pageShape(Entry) } },
  async handle({ env, query, now }) {
    const errors: FieldError[] = [];
    const instant = (path: "since" | "until"): number | undefined => {
      const parsed = query[path] === undefined ? undefined : parseInstant(query[path]);
      if (parsed?.ok === false) errors.push({ path, message: parsed.error });
      return parsed?.ok ? parsed.value : undefined;
    };
    const [since, until] = [instant("since"), instant("until")];
    if (errors.length > 0) return invalid(errors);
    const filter = { jobId: query.job_id, actor: query.actor, action: query.action, since, until };
    const page = await listAudit(env, filter, query.limit, query.cursor, now);
    if (!page.ok) return page;
    return reply(200, mapPage(page.value, entryView));
  },
});

export const auditRoutes = [list] as const;
