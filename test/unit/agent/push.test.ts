/**
 * The parts of a call, and that `deliver` answers for any input. Its behaviour on a real connection is in
 * test/system/agent/push.test.ts.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Delivery, type DeliveryIo, deliver as deliverBy } from "../../../src/agent/push.ts";
import { TimedDeadline } from "../../../src/outbound/deadline.ts";
import { verify } from "../../../src/outbound/signature.ts";

const now = Date.UTC(2026, 10, 23, 9, 0, 0, 999);
const call: Delivery = {
  url: "https://agent.example.com/hook?key=confidential",
  secret: `whsec_${btoa("a key of the agent")}`,
  id: "job-s1795424400000",
  sessionId: "main:scheduler:job:u42",
  body: { type: "job.run" },
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

/** Calls with five seconds' time, or until `signal` is aborted. */
async function deliver(delivery: Delivery, io: Omit<DeliveryIo, "deadline"> & { signal?: AbortSignal }) {
  const deadline = new TimedDeadline(5_000, io.signal);
  const answer = await deliverBy(delivery, { ...io, deadline });
  deadline.close();
  return answer;
}

/** A fetch that answers `ok` and keeps what it was called with. */
function recordingFetch() {
  const calls: { url: string; init: RequestInit; headers: Headers }[] = [];
  const fetch: DeliveryIo["fetch"] = async (url, init) => {
    calls.push({ url, init, headers: new Headers(init.headers) });
    return new Response("ok");
  };
  return { calls, fetch };
}

async function sent(changed: Partial<Delivery> = {}) {
  const { calls, fetch } = recordingFetch();
  expect(await deliver({ ...call, ...changed }, { fetch, now: () => now })).toMatchObject({ kind: "success" });
  const [only] = calls;
  if (only === undefined || calls.length > 1) throw new Error(`${calls.length} calls instead of one`);
  return only;
}

describe("the call", () => {
  it("is one POST of the body as JSON, signed, with the headers of docs/contract.md §4, and follows no redirect", async () => {
    const { url, init, headers } = await sent();
    expect(url).toBe(call.url);
    expect(init).toMatchObject({ method: "POST", redirect: "manual", body: '{"type":"job.run"}' });
    expect(headers.get("webhook-id")).toBe(call.id);
    expect(headers.get("webhook-timestamp")).toBe(String(Math.floor(now / 1_000)));
    expect(headers.get("reveille-session-id")).toBe(call.sessionId);
    expect(headers.get("traceparent")).toBe(call.traceparent);
    expect(headers.get("content-type")).toBe("application/json");
    const received = { secret: call.secret, headers, body: '{"type":"job.run"}', nowSeconds: now / 1_000 };
    expect(await verify(received)).toMatchObject({ ok: true });
  });

  it("takes further headers, none of which replaces one of ours", async () => {
    const { headers } = await sent({
      headers: { "x-team": "research", "user-agent": "mine", "Webhook-Id": "forged", "Content-Type": "text/plain" },
    });
    expect(headers.get("x-team")).toBe("research");
    expect(headers.get("user-agent")).toBe("mine");
    expect(headers.get("webhook-id")).toBe(call.id);
    expect(headers.get("content-type")).toBe("application/json");
  });

  it.each([
    ["scheduler:job:uJohn Doe", "scheduler:job:uJohn Doe"],
    ["scheduler:job:uJürgen", "scheduler:job:uJ%C3%BCrgen"],
    ["scheduler:job:u😀", "scheduler:job:u%F0%9F%98%80"],
    ["scheduler:job:u%C3%BC", "scheduler:job:u%25C3%25BC"],
    ["scheduler:job:ua\r\nx-admin: 1", "scheduler:job:ua%0D%0Ax-admin: 1"],
    ["scheduler:job:ua ", "scheduler:job:ua%20"],
  ])("names the session %j in a header that can carry it", async (sessionId, header) => {
    expect((await sent({ sessionId })).headers.get("reveille-session-id")).toBe(header);
  });

  it("names every session so that decodeURIComponent gives it back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (userId) => {
        const sessionId = `scheduler:job:u${userId}`;
        const header = (await sent({ sessionId })).headers.get("reveille-session-id") ?? "";
        expect(decodeURIComponent(header)).toBe(sessionId);
      }),
    );
  });
});

describe("an impossible call is refused without a status and without calling", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  it.each<[string, Partial<Delivery>, string]>([
    ["a URL that is none", { url: "agent" }, "is not a URL"],
    ["http to another machine", { url: "http://agent.example.com/" }, "must begin with https://"],
    ["a secret that is none", { secret: "confidential" }, "begin with whsec_"],
    ["an id with a full stop", { id: "a.b" }, "full stop"],
    ["a body that refers to itself", { body: circular }, "as JSON"],
    ["a body with a big integer", { body: { n: 1n } }, "as JSON"],
    ["no body", { body: undefined }, "as JSON"],
    ["a header that cannot be sent", { headers: { "x-y": "a\nb" } }, "headers cannot be written"],
    ["a header's name that cannot be sent", { headers: { "x y": "a" } }, "headers cannot be written"],
  ])("%s", async (_case, changed, reason) => {
    const { calls, fetch } = recordingFetch();
    const answer = await deliver({ ...call, ...changed }, { fetch, now: () => now });
    expect(answer).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
    expect(JSON.stringify(answer)).not.toContain("confidential");
    expect(calls).toEqual([]);
  });
});

describe("deliver never throws", () => {
  it.each<[string, unknown]>([
    ["an Error", new TypeError("fetch failed for https://agent.example.com/hook?key=confidential")],
    ["an Error with a cause", new TypeError("fetch failed", { cause: new Error("self-signed certificate") })],
    ["a text", "no network"],
    ["nothing", undefined],
  ])("when fetch throws %s: no connection, worth a retry, and the URL's query is not shown", async (_case, thrown) => {
    const rejecting: DeliveryIo["fetch"] = () => Promise.reject(thrown);
    const throwing: DeliveryIo["fetch"] = () => {
      throw thrown;
    };
    for (const fetch of [rejecting, throwing]) {
      const answer = await deliver(call, { fetch, now: () => now });
      expect(answer).toEqual({
        kind: "retryable",
        reason: expect.stringContaining("could not connect to the agent: "),
      });
      expect(JSON.stringify(answer)).not.toContain("confidential");
    }
  });

  it.each<[string, unknown, string]>([
    ["Node: refused", Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "nothing listens there"],
    ["Node: no such host", Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }), "host name is not known"],
    [
      "Node: reset",
      Object.assign(new Error("read"), { code: "ECONNRESET" }),
      "the connection broke before it answered",
    ],
    ["workerd: refused or reset", new Error("Network connection lost."), "the connection broke before it answered"],
    ["workerd: no such host, no TLS", new Error("internal error; reference = x1"), "TLS certificate"],
    ["anything else, in its own words", new Error("certificate has expired"), "certificate has expired"],
  ])("and says in words what a platform's error means: %s", async (_case, cause, words) => {
    const fetch: DeliveryIo["fetch"] = () => Promise.reject(new TypeError("fetch failed", { cause }));
    expect(await deliver(call, { fetch, now: () => now })).toEqual({
      kind: "retryable",
      reason: expect.stringMatching(new RegExp(`^could not connect to the agent.*${words}`)),
    });
  });

  it("for any bytes in any pieces, and keeps at most 16 KiB of well-formed text", async () => {
    const pieces = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(9_000).fill(0xc3))), {
      maxLength: 6,
    });
    const type = fc.constantFrom(null, "text/plain", "application/json; charset=utf-16le", "image/png");
    await fc.assert(
      fc.asyncProperty(pieces, type, fc.integer({ min: 200, max: 599 }), async (chunks, contentType, status) => {
        const body = new ReadableStream({
          start(controller) {
            for (const chunk of chunks) controller.enqueue(chunk.slice());
            controller.close();
          },
        });
        const noBody = status === 204 || status === 205 || status === 304;
        const fetch: DeliveryIo["fetch"] = async () =>
          new Response(noBody ? null : body, {
            status,
            headers: contentType === null ? {} : { "content-type": contentType },
          });
        const answer = await deliver(call, { fetch, now: () => now });
        if (answer.kind !== "success") return;
        const kept = answer.output ?? "";
        expect(new TextEncoder().encode(kept).byteLength).toBeLessThanOrEqual(16_384);
        expect(kept.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("aborting", () => {
  it("before the call is made makes none", async () => {
    const { calls, fetch } = recordingFetch();
    expect(await deliver(call, { fetch, now: () => now, signal: AbortSignal.abort() })).toEqual({ kind: "aborted" });
    expect(calls).toEqual([]);
  });

  it("does not wait for a fetch that ignores its signal, and releases its late answer", async () => {
    const late = Promise.withResolvers<Response>();
    const cancelled = Promise.withResolvers<boolean>();
    const controller = new AbortController();
    const fetch: DeliveryIo["fetch"] = () => {
      controller.abort();
      return late.promise;
    };
    expect(await deliver(call, { fetch, now: () => now, signal: controller.signal })).toEqual({ kind: "aborted" });
    late.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve(true) })));
    expect(await cancelled.promise).toBe(true);
  });

  it("after the answer changes nothing", async () => {
    const controller = new AbortController();
    const { fetch } = recordingFetch();
    const answer = await deliver(call, { fetch, now: () => now, signal: controller.signal });
    controller.abort();
    expect(answer).toEqual({ kind: "success", httpStatus: 200, output: "ok" });
  });
});
