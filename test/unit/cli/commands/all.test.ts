import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../../../src/cli/commands/all.ts";
import { commandHelp } from "../../../../src/cli/help.ts";
import { jobFieldsOf } from "../../../../src/cli/job-fields.ts";
import { findCommand, parse } from "../../../../src/cli/parse.ts";
import { run } from "../../../../src/cli/run.ts";
import type { Terminal } from "../../../../src/cli/terminal.ts";

function terminal() {
  const out: string[] = [];
  const err: string[] = [];
  const fake: Terminal = {
    env: {},
    cwd: "/nonexistent",
    isColored: false,
    width: undefined,
    isInteractive: true,
    print: (line) => void out.push(line),
    warn: (line) => void err.push(line),
    readAll: async () => "",
    readHidden: async () => "",
  };
  return { fake, out, err };
}

describe("every command", () => {
  it("has a unique name, and a summary that begins with a verb and ends without a full stop", () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(names.length).toBe(new Set(names).size);
    for (const { summary } of COMMANDS) expect(summary).toMatch(/^[A-Z].*[^.]$/);
  });

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    "has examples that it takes: %s",
    (name, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      expect(commandHelp(command)).toContain(`  ${command.examples[0]}`);
      for (const example of command.examples) {
        const mine = linesOf(example).find((words) => findCommand(COMMANDS, words)?.name === name);
        expect(mine, example).toBeDefined();
        expect(() => parse(command, mine ?? []), example).not.toThrow();
      }
    },
  );
});

function commandOf(...words: string[]) {
  const command = findCommand(COMMANDS, words);
  if (command === undefined) throw new Error("no such command");
  return command;
}

/** What follows each `reveille` of a shell's line, as words, up to a pipe or a redirection. */
const linesOf = (line: string): string[][] =>
  line.split(" | ").flatMap((part) => {
    const [, command] = part.match(/(?:^| )reveille (.*?)(?: (?:>|>>|<) |$)/) ?? [];
    if (command === undefined) return [];
    return [[...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")];
  });

describe("a command line", () => {
  it("may have common options before and after the command", () => {
    const words = ["--url", "http://x", "jobs", "list", "--json"];
    const command = findCommand(COMMANDS, words);
    expect(command?.name).toBe("jobs list");
    if (command === undefined) return;
    const given = parse(command, words);
    expect([given.text("url"), given.flag("json"), given.positionals]).toEqual(["http://x", true, []]);
  });

  it("accepts a field's name with underscores, and its shorter name", () => {
    const command = findCommand(COMMANDS, ["jobs", "create"]);
    if (command === undefined) throw new Error("no such command");
    expect(parse(command, ["jobs", "create", "--agent_id", "a", "--session_mode=new"]).text("agent-id")).toBe("a");
    expect(parse(command, ["jobs", "create", "--agent", "a"]).text("agent-id")).toBe("a");
  });

  it("turns its options into a job's fields in the API's form", () => {
    const command = findCommand(COMMANDS, ["jobs", "create"]);
    if (command === undefined) throw new Error("no such command");
    const words = [
      "--name",
      "a",
      "--every",
      "1h",
      "--max-runs",
      "3",
      "--label",
      "a:b",
      "--labels",
      '{"c":"d"}',
      "--retry",
      '{"min_backoff":"9s"}',
    ];
    const more = [
      "--max-attempts",
      "2",
      "--enabled",
      "false",
      "--budget",
      '{"runs_per_day":1}',
      "--exclude",
      "SAT",
      "--exclude",
      "SUN",
      "--continuity",
    ];
    expect(jobFieldsOf(parse(command, ["jobs", "create", ...words, ...more]))).toEqual({
      name: "a",
      schedule: { every: "1h", max_runs: 3, exclude: ["SAT", "SUN"] },
      labels: { a: "b", c: "d" },
      retry: { min_backoff: "9s", max_attempts: 2 },
      enabled: false,
      budget: { runs_per_day: 1 },
      continuity: true,
    });
    expect(() => jobFieldsOf(parse(command, ["jobs", "create", "--enabled", "no"]))).toThrow(/true or false/);
    expect(() => jobFieldsOf(parse(command, ["jobs", "create", "--payload", "{"]))).toThrow(/must be JSON/);
  });

  it.each([
    [["pause", "x"], "`reveille jobs pause`"],
    [["jobs", "lst"], "`reveille jobs list`"],
    [["job", "list"], "did you mean `reveille jobs list`?\n"],
    [["jobs", "list", "--stat", "paused"], "there is no option --stat; did you mean --state?"],
    [["jobs", "create", "--tiemzone", "UTC"], "did you mean --timezone?"],
    [["jobs", "create", "--tz", "UTC"], "did you mean --timezone?"],
    [["jobs", "create", "--prompt", "hi"], "did you mean --message?"],
    [["jobs", "create", "--until", "2d"], "did you mean --ends-at?"],
    [["jobs", "pause", "JOB", "--for", "2d"], "did you mean --until?"],
    [["jobs", "list", "--paused"], "did you mean --state paused?"],
    [["jobs", "runs", "JOB", "--failed"], "did you mean --status error?"],
    [["jobs", "history"], "did you mean `reveille jobs runs`?"],
    [["jobs", "cancel"], "did you mean `reveille jobs delete`?"],
    [["jobs", "trigger"], "did you mean `reveille jobs run`?"],
    [["agents", "add"], "did you mean `reveille agents set`?"],
    [["jobs", "list", "--limit"], "--limit needs a value: --limit N"],
    [["jobs", "list", "--limit", "--json"], "--limit needs a value"],
    [["jobs", "list", "--json=yes"], "--json takes no value"],
    [["jobs", "get", ""], "JOB is missing"],
    [["help", "jobs", "frob"], '"jobs frob" is no command'],
    [["jobs", "constructor"], "is no command"],
    [["jobs", "list", "--constructor", "x"], "there is no option --constructor"],
    [["jobs", "craete", "--help"], "did you mean `reveille jobs create`?"],
    [["tokens", "create", "--role", "admin"], "--role must be agent, user, plugin or viewer"],
  ])("ends with 2 and names what may be meant: %j", async (words, said) => {
    const { fake, err } = terminal();
    expect(await run(COMMANDS, words, fake, "1.0.0")).toBe(2);
    expect(err.join("\n")).toContain(said);
  });

  it("may have a value that begins with a dash", () => {
    const command = commandOf("jobs", "create");
    const given = parse(command, [
      "jobs",
      "create",
      "--message",
      "- buy milk\n- call Ada",
      "--name",
      "-",
      "--every=-5m",
    ]);
    expect([given.text("message"), given.text("name"), given.text("every")]).toEqual([
      "- buy milk\n- call Ada",
      "-",
      "-5m",
    ]);
    expect(parse(command, ["jobs", "create", "-m", "-x"]).text("message")).toBe("-x");
    expect(parse(command, ["jobs", "create", "--", "-x"]).positionals).toEqual(["-x"]);
  });

  it.each([
    [["--wait"], "", ["JOB"]],
    [["--wait", "--json"], "", ["JOB"]],
    [["--wait", "30s"], "30s", ["JOB"]],
    [["--wait=1m"], "1m", ["JOB"]],
    [[], undefined, ["JOB"]],
  ])("may wait, for as long as it takes or for a time: %j", (words, wait, positionals) => {
    const given = parse(commandOf("jobs", "run"), ["jobs", "run", ...words, "JOB"]);
    expect([given.text("wait"), given.positionals]).toEqual([wait, positionals]);
  });
});
