/**
 * `/v1/jobs/{id}/fan-outs`: the progress of an all_users job with its users. Their runs are in the job's runs, by
 * `fan_out_id`.
 */
import * as z from "zod";
import { askJob } from "../../directory/find-job.ts";
import { cursorsOf } from "../../domain/page.ts";
import { FanOut } from "../../schema/fan-out.ts";
import { pageCursor, pageLimit, pageShape } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Fan-outs";
const cursors = cursorsOf("fan-outs", z.int());

const list = route({
  method: "get",
  path: "/v1/jobs/:id/fan-outs",
  access: "read",
  id: "listFanOuts",
  tag,
  summary: "List a job's fan-outs, newest first",
  description: "The newest 10 are kept, with their users' runs.",
  query: z.strictObject({ limit: pageLimit(20), cursor: pageCursor }),
  answers: { 200: { description: "A page of fan-outs.", schema: pageShape(FanOut) } },
  errors: ["not_found"],
  async handle({ env, caller, params, query }) {
    const before = cursors.after(query.cursor);
    if (!before.ok) return before;
    const page = await askJob(env, params.id, (job) =>
      job.fanOuts(caller, { limit: query.limit, before: before.value }),
    );
    return page.ok ? reply(200, cursors.shown(page.value)) : page;
  },
});

const read = route({
  method: "get",
  path: "/v1/jobs/:id/fan-outs/:fan_out_id",
  access: "read",
  id: "getFanOut",
  tag,
  summary: "Read a fan-out",
  description:
    "While it is `running` the counts are live. It ends as `success` when every user's run has ended and at least one succeeded (or there was no user), as `error` when the users could not be read to their end, or all of their runs failed.",
  answers: { 200: { description: "The fan-out.", schema: FanOut } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const fanOut = await askJob(env, params.id, (job) => job.fanOut(caller, params.fan_out_id));
    return fanOut.ok ? reply(200, fanOut.value) : fanOut;
  },
});

export const fanOutRoutes = [list, read] as const;
