/** The typed client against the Worker: a story whose every field the compiler knows. */
import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createClient } from "../../../src/client/client.ts";
import { ADMIN_TOKEN } from "../http-fixture.ts";

it("makes, reads, lists and deletes a job with the types of the routes", async () => {
  const api = createClient("https://reveille.test", ADMIN_TOKEN, {
    fetch: (input: string | URL | Request, init?: RequestInit) => exports.default.fetch(new Request(input, init)),
  });
  const made = await api.v1.jobs.$post({
    json: { name: "typed", message: "hi", schedule: { every: "1h" } },
    query: {},
  });
  if (made.status !== 201) throw new Error(`${made.status}`);
  const { id } = await made.json();
  const read = await api.v1.jobs[":id"].$get({ param: { id } });
  expect((await read.json()).name).toBe("typed");
  const list = await api.v1.jobs.$get({ query: { name: "typed" } });
  expect((await list.json()).items.map((job) => job.id)).toEqual([id]);
  const gone = await api.v1.jobs[":id"].$delete({ param: { id } });
  expect(gone.status).toBe(204);
});
