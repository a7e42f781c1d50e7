import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunkText } from "../../../src/domain/text/split-text.ts";
import { ChatReader, type Dialect, nativeDialect } from "../../../src/heartbeat/chat-stream.ts";
import { openAiDialect } from "../../../src/heartbeat/openai.ts";

function read(dialect: Dialect, contentType: string | null, pieces: readonly string[]) {
  const reader = new ChatReader(dialect, contentType);
  for (const piece of pieces) reader.push(piece);
  return reader.end();
}

const native = (contentType: string | null, body: string) => read(nativeDialect, contentType, [body]);
const openAi = (contentType: string | null, body: string) => read(openAiDialect, contentType, [body]);
const reply = (text: string, toolUse = false) => ({ ok: true, value: { text, toolUse } });

describe("an answer of the native protocol", () => {
  it.each([
    ["one JSON document", "application/json", '{"text":"Good morning"}'],
    ["one over several lines", "application/json; charset=utf-8", '{\n "text": "Good morning"\n}\n'],
    ["NDJSON", "application/x-ndjson", '{"text":"Good "}\n{"text":"morning"}\n'],
    ["NDJSON with CRLF, blank lines and no end", "application/x-ndjson", '{"text":"Good "}\r\n\r\n{"text":"morning"}'],
    ["server-sent events", "text/event-stream", 'data: {"text":"Good "}\n\ndata: {"text":"morning"}\n\n'],
    ["events with CRLF", "text/event-stream", 'data: {"text":"Good "}\r\n\r\ndata: {"text":"morning"}\r\n\r\n'],
    ["events with CR", "text/event-stream", 'data: {"text":"Good "}\r\rdata: {"text":"morning"}\r\r'],
    ["events without a blank", "text/event-stream", 'data:{"text":"Good "}\n\ndata:{"text":"morning"}\n\n'],
    [
      "a last event that no blank line closes",
      "text/event-stream",
      'data: {"text":"Good "}\n\ndata: {"text":"morning"}',
    ],
    [
      "events with ids, names and comments",
      "text/event-stream",
      ': hi\nid: 1\nevent: text\ndata: {"text":"Good morning"}\n\n',
    ],
    ["an event over several lines", "text/event-stream", 'data: {"text":\ndata: "Good morning"}\n\n'],
    ["what comes after [DONE]", "text/event-stream", 'data: {"text":"Good morning"}\n\ndata: [DONE]\n\ndata: x\n\n'],
    ["events of an unknown kind", "text/event-stream", 'data: {"thinking":"hm"}\n\ndata: {"text":"Good morning"}\n\n'],
    ["events without a content type", null, 'data: {"text":"Good morning"}\n\n'],
    ["a document without a content type", null, '{"text":"Good morning"}'],
    ["NDJSON that calls itself JSON", "application/json", '{"text":"Good "}\n{"text":"morning"}'],
  ])("is read as %s", (_how, contentType, body) => {
    expect(native(contentType, body)).toEqual(reply("Good morning"));
  });

  it.each([
    ["text/event-stream", 'data: {"tool_use":{"name":"search"}}\n\ndata: {"text":"x"}\n\n'],
    ["application/x-ndjson", '{"text":"x"}\n{"tool_use":true}\n'],
    ["application/json", '{"text":"x","tool_use":[{"name":"search"}]}'],
  ])("reports tool use in %s", (contentType, body) => {
    expect(native(contentType, body)).toEqual(reply("x", true));
  });

  it.each(["null", "false", "[]", '""'])("does not count tool_use: %s as tool use", (nothing) => {
    expect(native("application/json", `{"text":"x","tool_use":${nothing}}`)).toEqual(reply("x"));
  });

  it.each([
    [
      "an error event",
      "text/event-stream",
      'data: {"text":"a"}\n\ndata: {"error":"out of credit"}\n\n',
      "out of credit",
    ],
    ["an error object", "application/json", '{"error":{"message":"out of credit"}}', "out of credit"],
    ["an error line", "application/x-ndjson", '{"text":"a"}\n{"error":"out of credit"}\n', "out of credit"],
    [
      "an event named error in plain words",
      "text/event-stream",
      "event: error\ndata: out of credit\n\n",
      "out of credit",
    ],
    ["plain text", "text/plain", "Good morning", "Good morning"],
    ["a page", "text/html", "<html>Sign in</html>", "Sign in"],
    ["an event that is no JSON", "text/event-stream", "data: Good morning\n\n", "Good morning"],
    ["JSON without a text", "application/json", '{"message":"Good morning"}', "without a text"],
    ["a text that is no text", "application/json", '{"text":{"en":"Good morning"}}', "form"],
    ["a bare string", "application/json", '"Good morning"', "form"],
  ])("that is %s is an error that quotes it", (_what, contentType, body, words) => {
    const answer = native(contentType, body);
    expect(answer.ok ? answer.value : answer.error).toContain(words);
  });

  it("may be empty, which means that there is nothing to report", () => {
    for (const type of ["application/json", "text/event-stream", null]) expect(native(type, "")).toEqual(reply(""));
  });

  it("counts tokens if the endpoint reports them", () => {
    const body = 'data: {"text":"x"}\n\ndata: {"usage":{"input_tokens":12,"output_tokens":3}}\n\n';
    expect(native("text/event-stream", body)).toEqual({
      ok: true,
      value: { text: "x", toolUse: false, usage: { input: 12, output: 3 } },
    });
  });

  it("is the same for any cut into pieces", () => {
    const event = fc.oneof(
      fc.record({ text: fc.string({ unit: "grapheme" }) }),
      fc.record({ tool_use: fc.string({ minLength: 1 }) }),
      fc.record({ thinking: fc.string() }),
    );
    const frame = fc.constantFrom(
      ["text/event-stream", "data: ", "\n\n"],
      ["text/event-stream", "event: delta\r\ndata:", "\r\n\r\n"],
      ["text/event-stream", ": ping\rdata: ", "\r\r"],
      [null, "data: ", "\n\n"],
      ["application/x-ndjson", "", "\n"],
      ["application/x-ndjson", "", "\r\n"],
    );
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1 }),
        frame,
        fc.array(fc.nat()),
        (events, [type, before, after], cuts) => {
          const body = events.map((one) => `${before}${JSON.stringify(one)}${after}`).join("");
          const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b);
          const pieces = [...places, body.length].map((end, index) => body.slice(places[index - 1] ?? 0, end));
          const expected = events.map((one) => ("text" in one ? one.text : "")).join("");
          const cut = read(nativeDialect, type ?? null, pieces);
          if (events.length > 1 || "text" in (events[0] ?? {})) {
            expect(cut).toEqual(
              reply(
                expected,
                events.some((one) => "tool_use" in one),
              ),
            );
          }
          expect(cut).toEqual(read(nativeDialect, type ?? null, [body]));
          expect(cut).toEqual(read(nativeDialect, type ?? null, [...body]));
        },
      ),
    );
  });

  it("never makes the reader throw, for any answer", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.constantFrom("text/event-stream", "application/json", null),
        (pieces, type) => {
          for (const dialect of [nativeDialect, openAiDialect]) read(dialect, type, pieces);
        },
      ),
    );
  });
});

describe("an answer of a chat-completions API", () => {
  const chunk = (delta: unknown, more = {}) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta }], ...more })}\n\n`;

  it("is the deltas put together, until [DONE], with the tokens of the last chunk", () => {
    const body =
      chunk({ role: "assistant", content: "" }) +
      chunk({ content: "Good " }) +
      chunk({ content: "morning" }) +
      `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 2, total_tokens: 22 } })}\n\n` +
      "data: [DONE]\n\n";
    expect(openAi("text/event-stream", body)).toEqual({
      ok: true,
      value: { text: "Good morning", toolUse: false, usage: { input: 20, output: 2 } },
    });
  });

  it("is read whole from a server that does not stream", () => {
    const body = JSON.stringify({
      choices: [{ message: { role: "assistant", content: "Good morning", tool_calls: null } }],
      usage: null,
    });
    expect(openAi("application/json", body)).toEqual(reply("Good morning"));
  });

  it("reports a tool call", () => {
    expect(openAi("text/event-stream", chunk({ tool_calls: [{ index: 0, function: { name: "f" } }] }))).toEqual(
      reply("", true),
    );
  });

  it("leaves out the thinking of models that answer in parts", () => {
    const content = [
      { type: "thinking", text: "hm" },
      { type: "text", text: "Good morning" },
    ];
    expect(openAi("text/event-stream", chunk({ content }))).toEqual(reply("Good morning"));
  });

  it("that holds an error is one", () => {
    const answer = openAi(
      "text/event-stream",
      `${chunk({ content: "Go" })}data: {"error":{"message":"overloaded"}}\n\n`,
    );
    expect(answer).toEqual({ ok: false, error: "the chat endpoint reported an error: overloaded" });
  });
});

describe("a long text in pieces", () => {
  it("is whole when joined, no piece too long, none empty, no character split", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 2, max: 50 }), (text, max) => {
        const wellFormed = text.toWellFormed();
        const pieces = chunkText(wellFormed, max);
        expect(pieces.join("")).toBe(wellFormed);
        for (const piece of pieces) {
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.length).toBeLessThanOrEqual(max);
          expect(piece.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it("is cut after a line, or else after a word", () => {
    expect(chunkText("one two\nthree four", 12)).toEqual(["one two\n", "three four"]);
    expect(chunkText("one two three", 9)).toEqual(["one two ", "three"]);
  });
});

describe("an answer that was made to be slow to read", () => {
  it.each([
    ["one line of events in small pieces", "text/event-stream", `data: ${"x".repeat(2_000_000)}`],
    ["blanks before anything", null, `${" ".repeat(2_000_000)}{"text":"a"}`],
    ["a document in small pieces", "application/json", `{"text":"${"x".repeat(2_000_000)}"}`],
    ["carriage returns", "text/event-stream", "\r".repeat(2_000_000)],
  ])("takes linear time: %s", (_what, contentType, body) => {
    const reader = new ChatReader(nativeDialect, contentType);
    const begun = performance.now();
    for (let at = 0; at < body.length; at += 500) reader.push(body.slice(at, at + 500));
    reader.end();
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
