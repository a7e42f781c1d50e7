/** Every way of writing a job keeps its payload unchanged (docs/contract.md §2). */
import { describe, expect, it } from "vitest";
import { call, expectProblem, fresh, jobInput, makeJob } from "../http-fixture.ts";

const job = (payload: string, more = ""): string => {
  const { payload: _payload, ...input } = jobInput();
  return `${JSON.stringify(input).slice(0, -1)}, ${more} "payload": ${payload}}`;
};
const headers = { "content-type": "application/json" };
const tool = (name: string, args: string): Promise<{ body: Record<string, unknown>; text: string }> =>
  call("POST", "/mcp", {
    headers: { ...headers, accept: "application/json, text/event-stream" },
    body: `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "${name}", "arguments": ${args}}}`,
  });

const WHOLE = '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"list":[{"__proto__":null}],"n":0.1}';

describe("a payload with keys of any name", () => {
  it("is kept whole over HTTP, in a patch, over MCP and in an import", async () => {
    const made = await call("POST", "/v1/jobs", { headers, body: job(WHOLE) });
    expect(made.status, made.text).toBe(201);
    expect(JSON.stringify(made.body.payload)).toBe(WHOLE);
    const path = `/v1/jobs/${made.body.id}`;
    expect(JSON.stringify((await call("GET", path)).body.payload)).toBe(WHOLE);

    const other = await makeJob();
    const patched = await call("PATCH", `/v1/jobs/${other}`, {
      headers,
      body: '{"payload": {"__proto__": {"a": 1}, "b": {"__proto__": 2}}}',
    });
    expect(JSON.stringify(patched.body.payload)).toBe('{"__proto__":{"a":1},"b":{"__proto__":2}}');

    const scheduled = await tool("schedule_job", job(WHOLE));
    expect(scheduled.text).toContain(JSON.stringify(WHOLE).slice(1, -1));

    const id = fresh("imported");
    const imported = await call("POST", "/v1/import", {
      headers,
      body: `[${job(WHOLE, `"id": "${id}", "etag": "1",`)}]`,
    });
    expect(imported.body).toEqual({ imported: 1, skipped: [] });
    expect(JSON.stringify((await call("GET", `/v1/jobs/${id}`)).body.payload)).toBe(WHOLE);
    expect("polluted" in {}).toBe(false);
  });
});

describe.each(["1234567890123456789", "1e400", "-0"])(
  "the number %s, which a double cannot hold as it is written",
  (n) => {
    const payload = `{"orders": [{"id": ${n}}]}`;

    it("is refused, with the string to send instead", async () => {
      const made = await call("POST", "/v1/jobs", { headers, body: job(payload) });
      expectProblem(made, 422, "validation_failed");
      expect(made.body.errors).toEqual([
        { path: "payload.orders.0.id", message: expect.stringContaining(`send it as a string: "${n}"`) },
      ]);
      const id = await makeJob();
      const patched = await call("PATCH", `/v1/jobs/${id}`, { headers, body: `{"payload": ${payload}}` });
      expectProblem(patched, 422, "validation_failed");
      expect(patched.text).toContain("payload.orders.0.id");
      expect((await tool("schedule_job", job(payload))).text).toContain("payload.orders.0.id");
      const imported = await call("POST", "/v1/import", {
        headers,
        body: `[${job(payload, '"id": "x", "etag": "1",')}]`,
      });
      expect(imported.body.skipped).toEqual([{ id: "x", reason: expect.stringContaining("payload.orders.0.id") }]);
    });

    it("is accepted as a string, and outside of a payload the rule of its field holds", async () => {
      expect((await call("POST", "/v1/jobs", { headers, body: job(`{"id": "${n}"}`) })).status).toBe(201);
      const got = await call("POST", "/v1/jobs", { headers, body: job("{}", `"user_id": ${n},`) });
      expect(got.status).toBe(n === "-0" ? 201 : 422);
    });
  },
);
