/** The typed client in a user's program: imported by the package's name, against the running service. */
import { createClient } from "reveille/client";
import { beforeAll, expect, it } from "vitest";
import { type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

let reveille: Reveille;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});

it("creates a job once under a key, lists, pauses, runs, and shows a problem, all typed by the routes", async () => {
  const api = createClient(reveille.url, reveille.adminToken);
  const json = { name: "typed", message: "hi", schedule: { every: "1h" } };
  const header = { "idempotency-key": "one" };
  const made = await api.v1.jobs.$post({ json, header });
  if (made.status !== 201) throw new Error(`${made.status}`);
  const { id, retry } = await made.json();
  expect(retry.max_attempts).toBe(3);
  expect((await api.v1.jobs.$post({ json, header })).status).toBe(200);

  const list = await api.v1.jobs.$get({ query: { name: "typed" } });
  expect((await list.json()).items.map((job) => job.id)).toEqual([id]);
  expect((await (await api.v1.jobs.$get()).json()).items).toHaveLength(1);
  const paused = await api.v1.jobs[":id"].pause.$post({ param: { id } });
  expect((await paused.json()).state).toBe("paused");
  const begun = await api.v1.jobs[":id"].run.$post({ param: { id } });
  expect(await begun.json()).toMatchObject({ run_id: expect.stringContaining(id) });
  const explained = await api.v1.jobs[":id"].explain.$get({ param: { id }, query: { at: "2099-01-01T00:00:00Z" } });
  expect((await explained.json()).verdict).toBe("paused");

  const refused = await api.v1.jobs.$post({ json: { ...json, schedule: { every: "soon" } } });
  expect(refused.ok).toBe(false);
  expect(await refused.json()).toMatchObject({ code: "validation_failed" });
});
