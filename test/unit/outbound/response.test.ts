import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classifyStatus, explainStatus, textDecoderFor } from "../../../src/outbound/response.ts";

describe("a status", () => {
  it.each([
    ["success", [200, 201, 203, 204, 206, 226, 299]],
    ["accepted", [202]],
    ["gone", [410]],
    ["retryable", [408, 429, 500, 502, 503, 504, 520, 599]],
    ["refused", [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422, 425, 451, 499, 600, 999]],
  ] as const)("is %s for %j", (expected, statuses) => {
    for (const status of statuses) expect(classifyStatus(status), String(status)).toBe(expected);
  });

  it("is always named in the reason", () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), (status) => {
        expect(explainStatus(status)).toContain(`the agent answered ${status}`);
      }),
    );
  });

  it.each([
    [302, "redirects are not followed"],
    [401, "secret"],
    [404, "URL"],
    [410, "no more calls"],
    [413, "shorten"],
  ])("that can be corrected says how: %i", (status, advice) => {
    expect(explainStatus(status)).toContain(advice);
  });
});

describe("a body", () => {
  it.each([
    "text/plain",
    "text/plain; charset=utf-8",
    "TEXT/HTML;Charset=UTF-8",
    "text/markdown",
    "text/event-stream",
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "application/vnd.api+json; ext=x",
    "application/x-ndjson",
    "application/xml",
    "application/atom+xml",
    "application/x-www-form-urlencoded",
    "application/yaml",
  ])("of type %s is text", (type) => {
    expect(textDecoderFor(type)).toMatchObject({ encoding: "utf-8", fatal: false });
  });

  it.each([
    "application/octet-stream",
    "application/pdf",
    "image/png",
    "image/svg+xml2",
    "audio/mpeg",
    "multipart/form-data; boundary=x",
    "application/jsonish",
    "json",
    ";",
  ])("of type %s is not kept", (type) => {
    expect(textDecoderFor(type)).toBeUndefined();
  });

  it.each([null, ""])("without a type (%j) is text if it is valid UTF-8", (type) => {
    expect(textDecoderFor(type)).toMatchObject({ encoding: "utf-8", fatal: true });
  });

  it.each([
    ['text/plain; charset="iso-8859-1"', "windows-1252"],
    ["text/plain; format=flowed; charset=utf-16le", "utf-16le"],
    ["text/plain; charset=no-such-charset", "utf-8"],
  ])("is read in its charset, or as UTF-8 if that is unknown: %s", (type, encoding) => {
    expect(textDecoderFor(type)?.encoding).toBe(encoding);
  });
});
