/** `/v1/heartbeats` over HTTP: the answers for each caller, and that registry and objects agree. */

import { describe, expect, it, vi } from "vitest";
import { tickHeartbeats } from "../../../../src/cron/heartbeats.ts";
import { listHeartbeats } from "../../../../src/directory/heartbeats.ts";
import { Beat, Heartbeat } from "../../../../src/schema/heartbeat.ts";
import { env } from "../../bindings.ts";
import { agentToken, call, expectProblem, fresh, tokenFor } from "../../http-fixture.ts";

const markdown = { "content-type": "text/markdown" };

async function makeHeartbeat(fields: Record<string, unknown> = {}, document?: string): Promise<string> {
  const name = fresh("hb");
  const made = await call("PUT", `/v1/heartbeats/${name}`, { json: fields });
  expect(made.status, made.text).toBe(201);
  if (document !== undefined) {
    const put = await call("PUT", `/v1/heartbeats/${name}/document`, { body: document, headers: markdown });
    expect(put.status, put.text).toBe(204);
  }
  return name;
}

const namesListed = async (): Promise<unknown[]> => {
  const { body } = await call("GET", "/v1/heartbeats");
  return Array.isArray(body.items) ? body.items.map((item) => Heartbeat.parse(item).name) : [];
};

describe("PUT /v1/heartbeats/{name}", () => {
  it("creates a heartbeat with its defaults, then replaces the configuration", async () => {
    const name = fresh("hb");
    const made = await call("PUT", `/v1/heartbeats/${name}`, { json: { model: "big" } });
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe(`/v1/heartbeats/${name}`);
    expect(Heartbeat.parse(made.body)).toMatchObject({ name, enabled: true, every: "30m", model: "big" });
    const again = await call("PUT", `/v1/heartbeats/${name}`, { json: { every: "10m" } });
    expect(again.status).toBe(200);
    expect(again.body).not.toHaveProperty("model");
    expect((await call("GET", `/v1/heartbeats/${name}`)).body).toEqual(again.body);
    expect(await namesListed()).toContain(name);
  });

  it.each([
    [{ every: "9s" }, "every"],
    [{ evry: "30m" }, "evry"],
    [{ name: "other" }, "name"],
    [{ active_hours: { start: "8", end: "22:00" } }, "active_hours.start"],
    [{ notify: [{ type: "pigeon" }] }, "notify.0.type"],
    [{ notify: [{ type: "slack", url: "http://hooks.slack.com/x" }] }, "notify.0.url"],
  ])("refuses %j, naming %s, and creates nothing", async (json, path) => {
    const name = fresh("hb");
    const got = await call("PUT", `/v1/heartbeats/${name}`, { json });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toEqual([{ path, message: expect.any(String) }]);
    expectProblem(await call("GET", `/v1/heartbeats/${name}`), 404, "not_found");
    expect((await listHeartbeats(env)).map((one) => one.name)).not.toContain(name);
  });

  it("refuses an invalid name", async () => {
    expectProblem(await call("PUT", "/v1/heartbeats/a.b", { json: {} }), 422, "validation_failed");
    expectProblem(await call("GET", "/v1/heartbeats/a.b"), 404, "not_found");
  });
});

describe("DELETE /v1/heartbeats/{name}", () => {
  it("removes it from the list, with its document and log", async () => {
    const name = await makeHeartbeat({}, "- mail");
    expect((await call("DELETE", `/v1/heartbeats/${name}`)).status).toBe(204);
    for (const path of ["", "/document", "/beats"]) {
      expectProblem(await call("GET", `/v1/heartbeats/${name}${path}`), 404, "not_found");
    }
    expectProblem(await call("DELETE", `/v1/heartbeats/${name}`), 404, "not_found");
    expect(await namesListed()).not.toContain(name);
    expect((await listHeartbeats(env)).map((one) => one.name)).not.toContain(name);
  });
});

describe("the document", () => {
  it("is text/markdown in and out, byte for byte, and empty before it is written", async () => {
    const name = await makeHeartbeat();
    const path = `/v1/heartbeats/${name}/document`;
    expect(await call("GET", path)).toMatchObject({ status: 200, text: "" });
    const text = "# Täglich\r\n- Blumen 🌱 gießen\n";
    expect((await call("PUT", path, { body: text, headers: markdown })).status).toBe(204);
    const got = await call("GET", path);
    expect(got.text).toBe(text);
    expect(got.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
  });

  it("may have at most 64 KiB", async () => {
    const path = `/v1/heartbeats/${await makeHeartbeat()}/document`;
    expect((await call("PUT", path, { body: "x".repeat(65_536), headers: markdown })).status).toBe(204);
    const tooLong = await call("PUT", path, { body: "x".repeat(65_537), headers: markdown });
    expectProblem(tooLong, 413, "payload_too_large");
  });

  it("is refused as JSON, as bytes that are not text, and for a missing heartbeat", async () => {
    const path = `/v1/heartbeats/${await makeHeartbeat()}/document`;
    expectProblem(await call("PUT", path, { json: { text: "x" } }), 415, "unsupported_media_type");
    const bytes = new Uint8Array([0xff, 0xfe, 0x80]);
    expectProblem(await call("PUT", path, { body: bytes, headers: markdown }), 422, "validation_failed");
    const nowhere = await call("PUT", "/v1/heartbeats/not-there/document", { body: "x", headers: markdown });
    expectProblem(nowhere, 404, "not_found");
  });
});

describe("beats", () => {
  it("by hand are begun at once and found in the log", async () => {
    const decision = { body: JSON.stringify({ text: '{"action":"skip","reason":"Nothing."}' }) };
    const name = await makeHeartbeat({}, JSON.stringify({ decision }));
    const begun = await call("POST", `/v1/heartbeats/${name}/beat`);
    expect(begun.status).toBe(202);
    await vi.waitFor(
      async () => {
        const { body } = await call("GET", `/v1/heartbeats/${name}/beats`);
        expect(body).toMatchObject({ items: [{ id: begun.body.beat_id, outcome: "skipped", reason: "Nothing." }] });
      },
      { timeout: 5_000, interval: 20 },
    );
    expectProblem(await call("POST", "/v1/heartbeats/not-there/beat"), 404, "not_found");
  });

  it("are listed newest first, in pages with a cursor", async () => {
    const name = await makeHeartbeat();
    const ids: unknown[] = [];
    for (let k = 0; k < 5; k++) ids.unshift((await call("POST", `/v1/heartbeats/${name}/beat`)).body.beat_id);
    const seen: unknown[] = [];
    let cursor: unknown;
    do {
      const more = typeof cursor === "string" ? `&cursor=${cursor}` : "";
      const { body } = await call("GET", `/v1/heartbeats/${name}/beats?limit=2${more}`);
      if (Array.isArray(body.items)) seen.push(...body.items.map((item) => Beat.parse(item).id));
      cursor = body.next_cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids);
    expectProblem(await call("GET", `/v1/heartbeats/${name}/beats?cursor=x`), 422, "validation_failed");
    expectProblem(await call("GET", `/v1/heartbeats/${name}/beats?limit=0`), 422, "validation_failed");
  });

  it("are caused by the tick for every due heartbeat, and a deleted name does no harm", async () => {
    const [one, other] = [await makeHeartbeat(), await makeHeartbeat({ every: "1m" })];
    const tick = (Math.floor(Date.now() / 1_800_000) + 1) * 1_800_000;
    expect(await tickHeartbeats(env, [one, "gone", other], tick)).toBe(2);
    expect(await tickHeartbeats(env, [one, "gone", other], tick)).toBe(0);
    expect(await tickHeartbeats(env, [one, "gone", other], tick + 60_000)).toBe(1);
    const { body } = await call("GET", `/v1/heartbeats/${other}/beats`);
    expect(body.items).toEqual([expect.objectContaining({ outcome: "empty", count: 2 })]);
  });
});

describe("permissions", () => {
  it("the operator manages heartbeats, viewers read, and others are refused", async () => {
    const name = await makeHeartbeat({}, "- mail");
    const viewer = await tokenFor({ role: "viewer" });
    const agent = await agentToken({ agent_id: "a" });
    const reads = [
      "/v1/heartbeats",
      `/v1/heartbeats/${name}`,
      `/v1/heartbeats/${name}/document`,
      `/v1/heartbeats/${name}/beats`,
    ];
    for (const path of reads) {
      expect((await call("GET", path, { token: viewer })).status).toBe(200);
      expectProblem(await call("GET", path, { token: agent }), 403, "forbidden");
      expectProblem(await call("GET", path, { token: undefined }), 401, "unauthorized");
    }
    for (const token of [viewer, agent]) {
      expectProblem(await call("PUT", `/v1/heartbeats/${name}`, { token, json: {} }), 403, "forbidden");
      expectProblem(await call("DELETE", `/v1/heartbeats/${name}`, { token }), 403, "forbidden");
      expectProblem(await call("POST", `/v1/heartbeats/${name}/beat`, { token }), 403, "forbidden");
      const put = await call("PUT", `/v1/heartbeats/${name}/document`, { token, body: "x", headers: markdown });
      expectProblem(put, 403, "forbidden");
    }
  });
});
