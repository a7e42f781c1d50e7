/** A run listener in code that turns an agent's success into an error, as the agent sees it (docs/contract.md §6, §10). */
import { expect, it, vi } from "vitest";
import { addRunListener } from "../../../src/hooks/job-hooks.ts";
import { call, expectProblem, makeJob } from "../http-fixture.ts";

addRunListener(({ run }) => (run.output === "nothing was sent" ? new Error("nothing was sent") : undefined));

/** The path of a run whose agent has answered 202. */
async function heldRun(): Promise<string> {
  const id = await makeJob({ message: '{"status": 202}' });
  const begun = await call("POST", `/v1/jobs/${id}/run`);
  const run = `/v1/jobs/${id}/runs/${String(begun.body.run_id)}`;
  await vi.waitFor(async () => expect((await call("GET", run)).body.http_status).toBe(202));
  return run;
}

/** The path of a user's run of a fan-out in the same state. */
async function heldUserRun(): Promise<string> {
  await call("PUT", "/v1/users/listened-to");
  const id = await makeJob({ message: '{"status": 202}', exec_scope: "all_users", schedule: { every: "1h" } });
  await call("POST", `/v1/jobs/${id}/run`);
  const [run] = await vi.waitFor(async () => {
    const { items } = (await call("GET", `/v1/jobs/${id}/runs?user_id=listened-to`)).body;
    expect(items).toMatchObject([{ http_status: 202 }]);
    return items as { readonly id: string }[];
  });
  return `/v1/jobs/${id}/runs/${run?.id}`;
}

it.each([
  ["a job's", heldRun],
  ["a user's", heldUserRun],
])("the agent may repeat a success that a listener has turned into an error, and gets %s run", async (_whose, held) => {
  const run = await held();
  const report = { json: { status: "success", output: "nothing was sent" } };
  const reported = await call("POST", `${run}/complete`, report);
  expect(reported.body).toMatchObject({ status: "error", error: "a run listener failed: Error: nothing was sent" });
  const again = await call("POST", `${run}/complete`, report);
  expect([again.status, again.body]).toEqual([200, reported.body]);
});

it("the agent may not turn an error that it reported itself into a success", async () => {
  const run = await heldRun();
  const report = { json: { status: "error", error: "no", output: "nothing was sent" } };
  expect((await call("POST", `${run}/complete`, report)).body).toMatchObject({ status: "error", error: "no" });
  expectProblem(await call("POST", `${run}/complete`, { json: { status: "success" } }), 409, "run_already_finished");
});
