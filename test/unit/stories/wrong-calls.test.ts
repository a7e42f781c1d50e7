/**
 * Wrong calls of every route and every tool, made from the schemas by rule. Each must be answered with the exact right name
 * or value (docs/contract.md §13). A field that is added to a schema is tested without another line.
 */
import { describe, expect, it } from "vitest";
import { ok } from "../../../src/domain/result.ts";
import { ROUTES } from "../../../src/http/app.ts";
import { type Answered, type Input, invoke, type Surroundings } from "../../../src/http/invoke.ts";
import { inputOf, rootOf, type Tool, toolsOver } from "../../../src/http/mcp/tools.ts";
import type { AnyRoute } from "../../../src/http/route.ts";
import { refine } from "../../../src/http/teach/explain.ts";
import { type Field, fieldOf, fieldsBelow } from "../../../src/http/teach/field.ts";
import { nearNames, spelling } from "../../../src/http/teach/near.ts";
import { isKnown } from "../../../src/http/teach/unknown-name.ts";
import { ClaimBody } from "../../../src/schema/mailbox.ts";
import { PauseBody } from "../../../src/schema/run.ts";
import { ScheduleSpec } from "../../../src/schema/schedule.ts";

const NOW = Date.UTC(2026, 10, 28, 12);
const EPOCH = 1_798_790_400;

/** A front through which a value is sent to a place of a route. */
type Door = {
  readonly name: string;
  readonly root: Field;
  readonly send: (value: object) => Promise<Answered>;
  readonly isPost: boolean;
};

const around = { now: NOW, caller: undefined } as unknown as Surroundings;
/** The route without a handler behind it. A call that passes the checks has succeeded. */
const bare = (route: AnyRoute): AnyRoute => ({ ...route, access: "public", handle: async () => ok({ status: 200 }) });

function doorsOf(route: AnyRoute): readonly Door[] {
  const name = `${route.method.toUpperCase()} ${route.path}`;
  const send = (part: Partial<Input>) =>
    invoke(bare(route), around, { params: {}, query: {}, headers: {}, readBody: async () => ok({}), ...part });
  const { body, query } = route;
  const isPost = route.method !== "patch";
  const isJson = body !== undefined && body.text !== true && body.read === undefined && route.path !== "/mcp";
  return [
    ...(isJson
      ? [
          {
            name,
            root: fieldOf(body.shown ?? body.schema),
            isPost,
            send: (value: object) => send({ readBody: async () => ok(value) }),
          },
        ]
      : []),
    ...(query === undefined
      ? []
      : [
          {
            name: `${name}?`,
            root: fieldOf(query),
            isPost: false,
            send: (value: object) => send({ query: { ...value } }),
          },
        ]),
  ];
}

function doorOf(tool: Tool): Door {
  const { name, route } = tool;
  const send = (value: object) => {
    const input = inputOf(tool, bare(route), { ...value }, { role: "agent", agent_id: "a1" }, NOW);
    return invoke(bare(route), around, input);
  };
  return { name: `tool ${name}`, root: rootOf(tool, route), send, isPost: route.method !== "patch" };
}

const doors: readonly Door[] = [...ROUTES.flatMap((route) => doorsOf(route)), ...toolsOver(ROUTES).map(doorOf)];

/** The text about the fault at this path. Undefined if there is none. */
async function saidOf(door: Door, value: object, path: readonly string[]): Promise<string | undefined> {
  const answered = await door.send(value);
  if (answered instanceof Response || answered.ok || answered.error.kind !== "validation_failed") return undefined;
  return answered.error.errors.find((error) => error.path === path.join("."))?.message;
}

const nest = (path: readonly string[], value: unknown): object =>
  path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

type Row = {
  readonly title: string;
  readonly door: Door;
  readonly value: object;
  readonly at: readonly string[];
  readonly says: RegExp;
};

/** A valid value of the field's type. */
function sample({ reads, values, types, item }: Field): unknown {
  if (reads === "duration" || reads === "moment") return "1h";
  if (reads === "instant") return "2027-01-01T00:00:00Z";
  if (values.length > 0) return values[0];
  if (types.includes("boolean")) return true;
  if (types.includes("integer") || types.includes("number")) return 5;
  if (types.includes("array")) return item === undefined ? [] : [sample(item)];
  return types.includes("object") ? {} : "text";
}

const word = (name: string): RegExp => new RegExp(`(^|[^\\w])${name}($|[^\\w])`);

function rowsOf(door: Door): readonly Row[] {
  const rows: Row[] = [];
  const { root } = door;
  const add = (rule: string, at: readonly string[], value: unknown, says: RegExp) =>
    rows.push({ title: `${door.name} ${at.join(".")}: ${rule}`, door, value: nest(at, value), at, says });
  for (const { path, field } of fieldsBelow(root)) {
    // A wrong control does not fail its call (docs/contract.md §15): the run's control_error names the fault.
    if (path[0] === "control" && path.length > 1) continue;
    const parent = path.slice(0, -1);
    const names =
      (parent.length === 0
        ? root
        : [...fieldsBelow(root)].find((one) => one.path.join() === parent.join())?.field
      )?.fields.map(({ name }) => name) ?? [];
    const renamed = (name: string) => [...parent, name];
    if (camel(field.name) !== field.name) add("camelCase", renamed(camel(field.name)), sample(field), word(field.name));
    const slip = `${field.name.slice(0, 3)}${field.name.slice(4)}`;
    const isSlip = field.name.length >= 6 && !isKnown(root, slip) && nearNames(slip, names).join() === field.name;
    if (isSlip && !/_?(ms|s|sec|min|m|h|d|w|days?|hours?)$/.test(slip))
      add("a letter lost", renamed(slip), sample(field), word(field.name));
    for (const alias of field.aliases) {
      const isOther = names.some((name) => spelling(name) === spelling(alias)) || isNamed(root, alias);
      const first = [...fieldsBelow(root)].find((one) =>
        one.field.aliases.some((other) => spelling(other) === spelling(alias)),
      );
      const mine = first?.path.join() === path.join();
      if (!isOther && mine) add(`called ${alias}`, renamed(alias), sample(field), word(field.name));
    }
    if (
      path.length === 2 &&
      !root.fields.some(({ name }) => name === field.name) &&
      firstNamed(root, field.name) === path.join(".")
    )
      add("flat", [field.name], sample(field), new RegExp(`"${path[0]}": .*"${path[1]}"|${path.join(".")}`));
    const parentField = root.fields.find(({ fields, isOpen }) => fields.length > 1 && !isOpen);
    if (
      path.length === 1 &&
      parentField !== undefined &&
      parentField !== field &&
      firstNamed(root, field.name) === field.name &&
      !parentField.fields.some((one) => one.name === field.name)
    )
      add("inside another", [parentField.name, field.name], sample(field), /top level/);
    if (field.reads === "duration") add("a number", path, 3600, /"3600s" or "1h"|"3600s"|"1h"/);
    if (field.reads === "moment") {
      add("a number", path, 3600, /"3600s" or "1h"/);
      add("an epoch", path, EPOCH, /2027-01-01T08:00:00Z/);
    }
    if (field.reads === "pair" && !door.name.includes("?"))
      add("an object", path, { team: "ops" }, /write (\["team:ops"\]|"team:ops")/);
    for (const name of Object.keys(root.notHere)) {
      if (path.length === 1 && field === root.fields[0])
        add(
          "of another call",
          [name],
          "x",
          /(?:POST|GET|PUT|PATCH|DELETE) \/v1\/|"\w+"|`until`|to=|\bin and at\b|a job for each zone/,
        );
    }
    if (field.reads === "instant" && !field.types.includes("number"))
      add("an epoch", path, EPOCH, /2027-01-01T08:00:00Z/);
    if (field.types.join() === "integer" && /_seconds$/.test(field.name)) add("a duration", path, "30s", /write 30$/);
    const [value] = field.values;
    if (value !== undefined && value !== "" && field.values.length > 1)
      add("an enum in capitals", path, value.toUpperCase(), word(value));
    const isPlain = field.types.join() === "string" && field.reads === undefined && field.values.length === 0;
    const isId = door.name.startsWith("tool") && /^(job|run)_id$/.test(field.name);
    if (isPlain && !isId && !door.name.includes("?")) add("a number for text", path, 5, /write "5"/);
    if (field.types.join() === "array" && field.item?.types.join() === "string" && field.item.values.length === 0)
      add("text for a list", path, "text", /write \["text"\]/);
    // MCP parses such text, and a control may have any value.
    const isRead = door.name.startsWith("tool") || field.name === "control";
    if (!isRead && field.types.join() === "object" && field.fields.length > 0 && path.length === 1)
      add(
        "the text of JSON",
        path,
        `{"${field.fields[0]?.name}": 1}`,
        new RegExp(`write \\{"${field.fields[0]?.name}": 1`),
      );
    if (field.types.join() === "boolean" && !door.name.includes("?"))
      add("a boolean as text", path, "yes", /write true/);
    if (field.types.join() === "integer" && !door.name.includes("?") && !door.name.startsWith("tool"))
      add("a number as text", path, "7", /write 7/);
  }
  return rows;
}

const firstNamed = (root: Field, name: string): string | undefined =>
  [...fieldsBelow(root)].find(({ field }) => spelling(field.name) === spelling(name))?.path.join(".");

const isNamed = (root: Field, name: string): boolean => firstNamed(root, name) !== undefined;

const rows = doors.flatMap(rowsOf);

it("cover every route with fields and every tool", () => {
  expect(rows.length).toBeGreaterThan(500);
  expect(doors.length).toBeGreaterThan(30);
});

describe("a wrong call is answered with the right name or value", () => {
  it.each(rows.map((row) => [row.title, row] as const))("%s", async (_title, { door, value, at, says }) => {
    expect(await saidOf(door, value, at)).toMatch(says);
  });
});

it("a merge patch explains all fields like the call that creates the job", () => {
  const rootOfDoor = (name: string) => doors.find((door) => door.name === name)?.root;
  const [made, patched] = [rootOfDoor("POST /v1/jobs"), rootOfDoor("PATCH /v1/jobs/:id")];
  if (made === undefined || patched === undefined) throw new Error("no such door");
  const forms = (root: Field) =>
    [...fieldsBelow(root)].map(({ path, field }) => [path.join("."), field.reads, field.aliases, field.valueAliases]);
  expect(forms(patched)).toEqual(forms(made));
});

describe("null counts as left out, except in a merge patch", () => {
  const posts = doors.filter(({ isPost }) => isPost);
  it.each(posts.map((door) => [door.name, door] as const))("%s", async (_name, door) => {
    for (const { name, isRequired, types } of door.root.fields) {
      const said = await saidOf(door, { [name]: null }, [name]);
      if (isRequired && !types.includes("null")) expect(said, name).toMatch(/^is required/);
      else expect(said, name).toBeUndefined();
    }
  });
});

describe("a wish of a model that does not exist here", () => {
  it.each([
    ["POST /v1/jobs", ["on_success"], { trigger: "j5" }, /\/v1\/jobs\/\{id\}\/trigger/],
    ["POST /v1/jobs", ["notify"], { email: "a@b.c" }, /PUT \/v1\/subscriptions\/\{id\}/],
    ["POST /v1/jobs", ["on_failure"], "tell me", /"retry".*\/v1\/subscriptions/],
    ["POST /v1/jobs", ["webhook_url"], "https://x.test", /PUT \/v1\/agents\/\{id\} \{"url": "https:\/\/x.test"\}/],
    ["POST /v1/jobs", ["max_concurrency"], 10, /"fan_out": \{"concurrency": 10\}.*"overlap"/],
    ["POST /v1/jobs", ["max_instances"], 1, /"overlap": "skip"/],
    ["POST /v1/jobs", ["one_time"], true, /in and at fire once/],
    ["POST /v1/jobs", ["schedule", "repeat"], false, /in and at fire once/],
    ["POST /v1/jobs", ["retry"], false, /\{"max_attempts": 1\}/],
    ["POST /v1/jobs", ["retry", "max_attempts"], 0, /the first call counts/],
    ["POST /v1/jobs", ["catchup"], false, /"catchup_window": "0s"/],
    ["POST /v1/jobs", ["budget"], 5, /\{"usd_per_day": 5\}/],
    ["POST /v1/jobs", ["max_cost_usd"], 5, /\{"budget": \{"usd_total": 5\}\}/],
    ["POST /v1/jobs", ["tags"], ["team:ops", "urgent"], /"labels": \{"team": "ops", "urgent": "true"\}/],
    ["POST /v1/jobs", ["labels"], "team=ops", /write \{"team": "ops"\}/],
    ["POST /v1/jobs", ["payload"], [1, 2], /write \{"items": \[1, 2\]\}/],
    ["POST /v1/jobs", ["expires_in"], "7d", /\{"schedule": \{"ends_at": "2026-12-05T12:00:00Z"\}\}/],
    ["POST /v1/jobs", ["schedule", "end_date"], "2027-03-31", /"ends_at": "2027-03-31T23:59:59Z"/],
    ["POST /v1/jobs", ["report"], "failures", /write "problems"/],
    ["PATCH /v1/jobs/:id", ["paused_until"], null, /"enabled": true/],
    ["GET /v1/jobs?", ["paused"], "true", /enabled=false/],
    ["GET /v1/jobs?", ["labels"], "team=ops", /label=team:ops/],
    ["GET /v1/jobs?", ["label.team"], "ops", /label=team:ops/],
    ["GET /v1/events?", ["type", "0"], { type: "failed" }, /write run\.failed/],
    ["GET /v1/jobs?", ["state", "0"], { state: "disabled" }, /write paused/],
    ["GET /v1/forecast?", ["job_id"], "j5", /GET \/v1\/jobs\/j5/],
    ["POST /v1/jobs/bulk", ["ids"], ["j5"], /DELETE \/v1\/jobs\/\{id\}/],
    ["POST /v1/jobs/bulk", ["patch"], { report: "all" }, /PATCH \/v1\/jobs\/\{id\}/],
    ["POST /v1/jobs/:id/trigger", ["message"], "hello", /\{"payload": \{"message": "hello"\}\}/],
    ["POST /v1/jobs/:id/pause", ["timezone"], "Europe/Berlin", /offset/],
    ["PUT /v1/agents/:id", ["mailbox"], true, /"delivery": "pull"/],
    ["PUT /v1/subscriptions/:id", ["match", "labels"], { team: "ops" }, /"label": "team:ops"/],
    ["PUT /v1/subscriptions/:id", ["match", "job_id"], "j5", /"name"/],
    ["PUT /v1/users/:id", ["timezone"], "Europe/Berlin", /a job for each zone/],
    [
      "POST /v1/jobs",
      ["schedule"],
      [{ cron: "0 9 * * *" }],
      /^must be a JSON object, not an array; make a job for each/,
    ],
    ["POST /v1/jobs", ["schedule"], "rate(5 minutes)", /write \{"every": "5m"\}/],
    ["POST /v1/jobs", ["schedule"], "cron(0 9 ? * MON-FRI *)", /write \{"cron": "0 9 \? \* MON-FRI"\}/],
    ["POST /v1/jobs", ["ScheduleExpression"], "rate(5 minutes)", /"schedule": \{"every": "5m"\}/],
    ["POST /v1/jobs", ["schedule", "cronExpression"], "0 0 9 ? * MON-FRI", /"cron": "0 9 \? \* MON-FRI"/],
    ["POST /v1/jobs", ["schedule", "rrule"], { freq: "weekly", interval: 2 }, /"FREQ=WEEKLY;INTERVAL=2"/],
    ["POST /v1/jobs", ["schedule", "daily"], "09:00", /"cron": "0 9 \* \* \*"/],
    ["POST /v1/jobs", ["schedule", "weekly"], { day: "monday", time: "9am" }, /"cron": "0 9 \* \* 1"/],
    ["POST /v1/users/import", [], ["alice"], /\{"users": \["alice"\]\}/],
  ])("%s %j %j", async (name, at, value, says) => {
    const door = doors.find((one) => one.name === name);
    if (door === undefined) throw new Error(`no door ${name}`);
    // Of a list that is written with commas, the path names the place in it.
    const sent = at.at(-1) === "0" ? Object(value) : nest(at, value);
    expect(await saidOf(door, sent, at)).toMatch(says);
  });

  it("a calendar in parts, as the one expression that it is", async () => {
    const door = doors.find((one) => one.name === "POST /v1/jobs");
    if (door === undefined) throw new Error("no such door");
    const parts = { trigger: "cron", hour: 9, minute: 30, day_of_week: "mon-fri" };
    for (const name of Object.keys(parts)) {
      expect(await saidOf(door, parts, [name])).toContain('{"schedule": {"cron": "30 9 * * 1-5"}}');
      expect(await saidOf(door, { schedule: parts }, ["schedule", name])).toContain('"cron": "30 9 * * 1-5"');
    }
    // Parts that cannot be read are no interval of nine hours.
    const unclear = { schedule: { hour: 9, day_of_week: "someday" } };
    expect(await saidOf(door, unclear, ["schedule", "hour"])).toContain(
      'such as {"schedule": {"cron": "30 9 * * MON-FRI"}}',
    );
    const days = { schedule: { days: ["mon", "wed"], time: "9:00" } };
    expect(await saidOf(door, days, ["schedule", "days"])).toContain('"cron": "0 9 * * 1,3"');
    const dated = { schedule: { date: "2027-01-15", time: "14:30", timezone: "Europe/Berlin" } };
    expect(await saidOf(door, dated, ["schedule", "time"])).toContain('{"at": "2027-01-15T14:30"}');
    const clock = { schedule: { time: "09:00" } };
    expect(await saidOf(door, clock, ["schedule", "time"])).toMatch(/"cron": "0 9 \* \* \*".*every day, or .*"at"/);
    const single = { schedule: { type: "once", time: "09:00" } };
    expect(await saidOf(door, single, ["schedule", "time"])).toContain('"at": "2026-11-29T09:00:00Z"');
    const once = { schedule: { type: "once", at: "2027-01-01T00:00:00Z" } };
    expect(await saidOf(door, once, ["schedule", "type"])).toContain('"at": "2027-01-01T00:00:00Z"');
  });

  const [post] = doors.filter(({ name }) => name === "POST /v1/jobs");
  it.each([
    ["two cron expressions", ["schedule", "cron"], ["0 9 * * *", "30 17 * * *"], /two jobs, or one rrule/],
    ["a job after another", ["schedule", "after"], "j5g2vfdtr33z1hsx46kyc796d", /\/v1\/jobs\/\{id\}\/trigger/],
    ["a job that depends on another", ["depends_on"], ["j5g2vfdtr33z1hsx46kyc796d"], /\/v1\/jobs\/\{id\}\/trigger/],
    ["a fan-out over users", ["fan_out"], "users", /"exec_scope": "all_users"/],
  ])("%s", async (_what, at, value, says) => {
    if (post === undefined) throw new Error("no such door");
    expect(await saidOf(post, nest(at, value), at)).toMatch(says);
  });
});

describe("a time that the domain cannot read", () => {
  const schedule = fieldOf(ScheduleSpec);
  const said = (name: string, given: string, timezone?: string) => {
    const sent = { body: { timezone, [name]: given } };
    return refine([{ path: name, message: "is wrong" }], sent, { places: { body: schedule }, now: NOW })[0]?.message;
  };
  it("is offered in the zone beside it, and as the end of the day if it ends something", () => {
    expect(said("at", "tomorrow 9am", "Europe/Berlin")).toContain(
      'write "2026-11-29T09:00", which is in Europe/Berlin',
    );
    expect(said("at", "tomorrow 9am")).toContain('write "2026-11-29T09:00:00Z" for UTC');
    expect(said("ends_at", "2026-12-31")).toContain('write "2026-12-31T23:59:59Z"');
    expect(said("ends_at", "2026-12-31", "Europe/Berlin")).toContain('write "2026-12-31T23:59:59+01:00"');
    expect(said("timezone", "user")).toContain("a job has one zone");
  });

  it("is the next day of that name, and not a cron that would repeat", () => {
    expect(said("at", "next friday at 17:00", "Europe/Berlin")).toContain('write "2026-12-04T17:00"');
    expect(said("at", "17:00", "Europe/Berlin")).toContain('write "2026-11-28T17:00"');
    expect(said("at", "09:00", "Europe/Berlin")).toContain('write "2026-11-29T09:00"');
    expect(said("at", "Jan 15 2027 14:30")).toContain('write "2027-01-15T14:30:00Z"');
    expect(said("at", "15.01.2027 14:30", "Europe/Berlin")).toContain('write "2027-01-15T14:30"');
    expect(said("at", "01/15/2027 2:30 PM")).toContain('write "2027-01-15T14:30:00Z"');
    expect(said("at", "01/02/2027 14:30")).not.toContain('write "2027-0');
    expect(said("cron", "0 9 * * Monday")).toContain('write "0 9 * * MON"');
    expect(said("cron", "0 9 * * weekdays")).toContain('write "0 9 * * MON-FRI"');
    expect(said("cron", "9:00")).toContain('write "0 9 * * *"');
    expect(said("cron", "rate(5 minutes)")).toContain('write {"every": "5m"}');
    expect(said("every", "30 min")).toContain('write "30m"');
    expect(said("at", "5pm on monday")).toContain('write "2026-11-30T17:00:00Z" for UTC');
    expect(said("at", "every friday at 17:00")).toContain('write {"cron": "0 17 * * 5"}');
    expect(said("starts_at", "2026-12-01T06:00", "Asia/Tokyo")).toContain('write "2026-12-01T06:00:00+09:00"');
    expect(said("starts_at", "2026-12-01", "Asia/Tokyo")).toContain('write "2026-12-01T00:00:00+09:00"');
    // One that can be read and is past is wrong for another reason, and is not offered once more.
    expect(said("at", "2026-11-01T00:00:00Z")).not.toContain('write "2026-11-01');
    expect(said("ends_at", "7d")).toContain('write "2026-12-05T12:00:00Z"');
  });

  it("is a rule or a time if no duration is long enough", () => {
    expect(said("every", "2 months")).toContain('write {"rrule": "FREQ=MONTHLY;INTERVAL=2"}');
    expect(said("every", "10y")).toContain('write {"rrule": "FREQ=YEARLY;INTERVAL=10"}');
    expect(said("every", "400d")).toContain('write {"rrule": "FREQ=DAILY;INTERVAL=400"}');
    expect(said("in", "1 year")).toContain('write {"at": "2027-11-28T12:00:00Z"}');
    expect(said("in", "5 min")).toContain('write "5m"');
  });

  it("is not offered in another form if it can be read, since then its length is wrong", () => {
    const body = fieldOf(ClaimBody);
    const lease = (given: string) =>
      refine(
        [{ path: "lease", message: "must be 10s to 1h" }],
        { body: { lease: given } },
        { places: { body }, now: NOW },
      );
    expect(lease("61m")).toMatchObject([{ message: 'must be 10s to 1h; for example "2m"' }]);
    expect(lease("5 sec")).toMatchObject([{ message: 'must be 10s to 1h; write "5s"' }]);
  });

  it("is offered as the beginning of the day for the end of a pause, in the zone beside it", () => {
    const places = { body: fieldOf(PauseBody) };
    const until = (given: string, timezone?: string) =>
      refine([{ path: "until", message: "is wrong" }], { body: { until: given, timezone } }, { places, now: NOW })[0]
        ?.message;
    expect(until("2026-12-31")).toContain('write "2026-12-31T00:00:00Z"');
    expect(until("monday")).toContain('write "2026-11-30T00:00:00Z" for UTC');
    expect(until("monday 8:00", "Europe/Berlin")).toContain('write "2026-11-30T08:00:00+01:00"');
    expect(until("2026-11-30T08:00")).toContain('write "2026-11-30T08:00:00Z" for UTC');
  });
});
