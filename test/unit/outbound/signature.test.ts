import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSecret, sign, signedHeaders, verify } from "../../../src/outbound/signature.ts";

/** The example of the Standard Webhooks reference implementation. */
const example = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestampSeconds: 1_614_265_330,
  body: '{"test": 2432232314}',
};
const exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const nowSeconds = example.timestampSeconds;

const headersOf = (signature: string, changed: Record<string, string> = {}): Headers =>
  new Headers({
    "webhook-id": example.id,
    "webhook-timestamp": String(example.timestampSeconds),
    "webhook-signature": signature,
    ...changed,
  });
const received = { secret: example.secret, body: example.body, nowSeconds };

describe("signing", () => {
  it("gives the signature that the Standard Webhooks reference gives", async () => {
    expect(await sign(example)).toEqual({ ok: true, value: exampleSignature });
  });

  it("gives the three headers of a call", async () => {
    expect(await signedHeaders(example)).toEqual({
      ok: true,
      value: {
        "webhook-id": example.id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": exampleSignature,
      },
    });
  });

  it("refuses an id with a full stop, which could be read as another id and timestamp", async () => {
    expect(await sign({ ...example, id: "run.1" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("full stop"),
    });
  });

  it("does not mix up keys when many secrets are in use", async () => {
    for (let n = 0; n < 600; n++) {
      const secret = `whsec_${btoa(`secret number ${n % 300}`)}`;
      const signature = await sign({ ...example, secret });
      if (!signature.ok) throw new Error(signature.error);
      expect(await verify({ ...received, secret, headers: headersOf(signature.value) })).toMatchObject({ ok: true });
    }
  });

  it("is verified for any body and id, and for nothing else", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 });
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
    await fc.assert(
      fc.asyncProperty(text, text, id, async (body, otherBody, runId) => {
        const headers = await signedHeaders({ ...example, id: runId, body });
        if (!headers.ok) throw new Error(headers.error);
        const call = { ...received, headers: new Headers(headers.value) };
        expect(await verify({ ...call, body })).toEqual({
          ok: true,
          value: { id: runId, timestampSeconds: nowSeconds },
        });
        expect((await verify({ ...call, body: otherBody })).ok).toBe(body === otherBody);
      }),
    );
  });
});

describe("verifying", () => {
  it.each([
    ["the one signature", exampleSignature],
    ["one of several, while the secret is rotated", `v1,${btoa("another key's")} ${exampleSignature}`],
    ["one beside a version that is not known here", `v1a,xyz ${exampleSignature}`],
  ])("accepts %s", async (_case, signature) => {
    expect(await verify({ ...received, headers: headersOf(signature) })).toMatchObject({
      ok: true,
      value: { id: example.id },
    });
  });

  it.each([
    ["another body", { body: '{"test": 2432232315}' }, {}, "no signature"],
    ["another secret", { secret: `whsec_${btoa("another")}` }, {}, "no signature"],
    ["another id", {}, { "webhook-id": "msg_2" }, "no signature"],
    ["another time", {}, { "webhook-timestamp": "1614265331" }, "no signature"],
    ["a signature cut short", {}, { "webhook-signature": exampleSignature.slice(0, -8) }, "no signature"],
    ["a signature without its version", {}, { "webhook-signature": exampleSignature.slice(3) }, "no signature"],
    ["no signature", {}, { "webhook-signature": "" }, "not signed"],
    ["no id", {}, { "webhook-id": "" }, "not signed"],
    ["no time", {}, { "webhook-timestamp": "" }, "not signed"],
    ["a time in words", {}, { "webhook-timestamp": "2021-02-25" }, "not a number"],
    ["a time with a fraction", {}, { "webhook-timestamp": "1614265330.5" }, "not a number"],
    ["a replay", { nowSeconds: nowSeconds + 301 }, {}, "more than 300 s"],
    ["a time to come", { nowSeconds: nowSeconds - 301 }, {}, "more than 300 s"],
    ["a replay by a tighter limit", { nowSeconds: nowSeconds + 11, toleranceSeconds: 10 }, {}, "more than 10 s"],
    ["a malformed secret", { secret: "whsec_%%%" }, {}, "base64"],
  ])("refuses %s", async (_case, changedCall, changedHeaders, error) => {
    const headers = headersOf(exampleSignature, changedHeaders);
    expect(await verify({ ...received, headers, ...changedCall })).toMatchObject({
      ok: false,
      error: expect.stringContaining(error),
    });
  });

  it.each([300, -300])("accepts a clock that is off by exactly the tolerance: %i s", async (off) => {
    const call = { ...received, headers: headersOf(exampleSignature), nowSeconds: nowSeconds + off };
    expect(await verify(call)).toMatchObject({ ok: true });
  });
});

describe("secrets", () => {
  it("are whsec_ and the base64 of the key", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (key) => {
        const parsed = parseSecret(`whsec_${btoa(String.fromCharCode(...key))}`);
        expect(parsed).toEqual({ ok: true, value: key });
      }),
    );
  });

  it.each([
    ["no prefix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begin with whsec_"],
    ["empty", "", "begin with whsec_"],
    ["no key", "whsec_", "followed by base64"],
    ["characters of base64url", "whsec_-_-_", "followed by base64"],
    ["no padding", "whsec_YWI", "followed by base64"],
    ["a line break", "whsec_YWJj\n", "followed by base64"],
    ["padding in the middle", "whsec_YQ==YWJj", "followed by base64"],
  ])("are refused, and not repeated, when malformed: %s", (_case, secret, error) => {
    const parsed = parseSecret(secret);
    expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining(error) });
    if (!parsed.ok && secret.length > 6) expect(parsed.error).not.toContain(secret);
  });
});
