import { expect, it } from "vitest";
import { relative, roughly } from "../../../src/cli/render.ts";
import { withoutControls } from "../../../src/cli/terminal.ts";

it.each([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [999.6, "1 s"],
  [59_400, "59 s"],
  [59_600, "1 min"],
  [3_599_460, "1 h"],
  [90 * 60_000, "2 h"],
  [86_400_000 * 3, "3 d"],
  [-5_000, "5 s"],
])("a length of time is shown in its largest unit, never as 60 of a smaller one: %d ms", (ms, text) => {
  expect(roughly(ms)).toBe(text);
});

it("a time is shown relative to now", () => {
  expect([
    relative("1970-01-01T00:01:00Z", 0),
    relative("1970-01-01T00:00:00Z", 60_000),
    relative(undefined, 0),
  ]).toEqual(["in 1 min", "1 min ago", ""]);
});

it("text of others cannot control the terminal", () => {
  const title = "\u001b]0;owned\u0007";
  expect(withoutControls(`${title}\u001b[2J\r\u009b1A`)).toBe("\ufffd]0;owned\ufffd\ufffd[2J\ufffd\ufffd1A");
  expect(withoutControls("a\tb\n\u001b[32mgreen\u001b[0m")).toBe("a\tb\n\u001b[32mgreen\u001b[0m");
});
