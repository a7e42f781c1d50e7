import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillTemplate, PLACEHOLDERS, templateErrors } from "../../../../src/domain/agent/body-template.ts";

const values = {
  message: 'Say "hello"\n{{run_id}}',
  session_id: "scheduler:j1",
  run_id: "j1-s1",
  job_id: "j1",
  job_name: "greeting",
  scheduled_at: "2026-11-23T09:00:00.000Z",
  complete_url: "https://r.example/complete",
  complete_token: "token",
  payload: { deep: [1, { a: null }] },
};

describe("a body template", () => {
  it("has every placeholder filled in all strings and keys, and keeps other values", () => {
    const template = {
      text: "{{message}} for {{user_id}}.",
      ids: ["{{run_id}}/{{run_id}}", "{{job_id}}"],
      n: 5,
      yes: true,
      nothing: null,
      input: "{{payload}}",
      "{{run_id}}": "a key",
    };
    expect(fillTemplate(template, values)).toEqual({
      text: 'Say "hello"\n{{run_id}} for .',
      ids: ["j1-s1/j1-s1", "j1"],
      n: 5,
      yes: true,
      nothing: null,
      input: { deep: [1, { a: null }] },
      "j1-s1": "a key",
    });
    expect(fillTemplate("{{payload}}", {})).toEqual({});
  });

  it("does not fill placeholders inside filled values, and no value breaks out of its string", () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        const body = JSON.parse(JSON.stringify(fillTemplate({ a: "{{message}}", b: "fixed" }, { message })));
        expect(body).toEqual({ a: message, b: "fixed" });
      }),
    );
  });

  it.each([
    [{ text: "{{nonsense}}" }, "body.text"],
    [{ a: [{ b: "x {{Message}}" }] }, "body.a.0.b"],
    ["{{}}", "body"],
    [{ text: "see {{payload}}" }, "body.text"],
    [{ text: "{{ message }}" }, "body.text"],
    [{ "{{nonsense}}": 1 }, "body.{{nonsense}}"],
    [{ deep: [{ "{{payload}}": 1 }] }, "body.deep.0.{{payload}}"],
  ])("with something else in braces is refused: %j", (template, path) => {
    expect(templateErrors(template, "body")).toEqual([{ path, message: expect.stringContaining("{{") }]);
  });

  it.each([
    ["{{run.id}}", "{{run_id}}"],
    ["{{ message }}", "{{message}}"],
    ["{{data.payload}}", "{{payload}}"],
    ["{{jobName}}", "{{job_name}}"],
    ["{{prompt}}", "{{message}}"],
  ])("with %s is told the placeholder that may be meant", (written, meant) => {
    expect(templateErrors({ a: written }, "body")[0]?.message).toContain(`did you mean ${meant}?`);
  });

  it("takes every placeholder there is, single braces and any JSON", () => {
    const all = PLACEHOLDERS.map((name) => `{{${name}}}`).join(" ");
    for (const template of [all, { a: "{{payload}}" }, "{ not one }", 5, null, [], { b: "}} {{" }]) {
      expect(templateErrors(template, "body")).toEqual([]);
    }
  });

  it("takes linear time for any template", () => {
    const text = "{".repeat(200_000) + "{{a".repeat(100_000);
    const begun = performance.now();
    templateErrors(text, "body");
    fillTemplate(text, values);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
