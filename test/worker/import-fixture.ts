import { CallBudget } from "../../src/outbound/call-budget.ts";
import { call } from "./http-fixture.ts";

export const DAY_MS = 86_400_000;

/** A job without optional features, as Go writes it. */
export const goJob = (id: string, fields: Record<string, unknown> = {}) => ({
  id,
  owner_kind: "",
  exec_scope: "",
  plugin_id: "",
  job_key: "",
  runtime_name: "",
  name: "Water the plants",
  schedule: { cron: "", every: "30m", at: "" },
  message: "Water them",
  session_mode: "reuse",
  enabled: true,
  agent_id: "",
  user_id: 0,
  created_at: "2026-01-02T03:04:05.123456789Z",
  updated_at: "2026-01-03T00:00:00Z",
  last_run_at: null,
  last_error: "",
  ...fields,
});

export const send = (body: string, type = "application/json") =>
  call("POST", "/v1/import", { body, headers: { "content-type": type } });
export const take = (jobs: unknown) => call("POST", "/v1/import", { json: jobs });
export const io = (calls = 1_000) => ({ clock: () => Date.now(), budget: new CallBudget(calls) });
export const read = async (id: string) => (await call("GET", `/v1/jobs/${id}`)).body;
export const exported = async () => {
  const got = await call("GET", "/v1/export");
  return got.text.split("\n").filter((line) => line !== "");
};
export const lineOf = async (id: string): Promise<Record<string, unknown>> => {
  const line = (await exported()).find((text) => text.includes(`"${id}"`));
  if (line === undefined) throw new Error(`${id} is not in the export`);
  return JSON.parse(line);
};
export const listed = async (query: string): Promise<string[]> => {
  const { body } = await call("GET", `/v1/jobs?state=active,paused,finished&${query}`);
  return (body.items as { id: string }[]).map(({ id }) => id);
};
