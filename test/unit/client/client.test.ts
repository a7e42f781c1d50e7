import { expect, it } from "vitest";
import { createClient } from "../../../src/client/client.ts";

/** The headers of one call, made with `options`. */
async function headersWith(options: NonNullable<Parameters<typeof createClient>[2]>): Promise<Headers> {
  let seen = new Headers();
  const answer = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    seen = new Request(input, init).headers;
    return Response.json({ items: [] });
  };
  await createClient("https://reveille.test", "token", { ...options, fetch: answer }).v1.jobs.$get();
  return seen;
}

it.each([
  ["an object", { "x-trace": "1" }],
  ["a function", () => ({ "x-trace": "1" })],
  ["a function that takes its time", async () => ({ "x-trace": "1" })],
])("the caller's headers are sent beside the token: %s", async (_, headers) => {
  const seen = await headersWith({ headers });
  expect([seen.get("authorization"), seen.get("x-trace")]).toEqual(["Bearer token", "1"]);
});

it("the token is sent alone, unless another authorization replaces it", async () => {
  expect((await headersWith({})).get("authorization")).toBe("Bearer token");
  expect((await headersWith({ headers: { authorization: "Bearer other" } })).get("authorization")).toBe("Bearer other");
});
