/**
 * Denial of wallet: the cost of one token of each role for the operator in a day at the defaults, from the limits in the code and
 * Cloudflare's prices, is the same as on the page.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { dollarsPerMillion } from "../../../bench/bill.ts";
import { SHARD_COUNT } from "../../../src/domain/directory-shard.ts";
import { settingsOf } from "../../../src/env.ts";
import { LOOKED_AT_ROWS, MAX_FRAMES_A_MINUTE, MAX_LOOKS, MAX_TOKEN_STREAMS } from "../../../src/schema/limits.ts";
import { OBJECT_CALLS_OF_A_CALL, OBJECT_CALLS_OF_A_FRAME, ROWS_OF_A_CALL, ROWS_OF_A_FRAME } from "../../token-costs.ts";

const read = (path: string): string => readFileSync(`${import.meta.dirname}/../../../${path}`, "utf8");
const page = read("docs/token-costs.md");

const MINUTES = 24 * 60;
const SECONDS = MINUTES * 60;
const CALLS_A_MINUTE = Number(/name = "CALL_LIMIT"[\s\S]*?limit = (\d+), period = 60/.exec(read("wrangler.toml"))?.[1]);
const { MAX_JOBS_PER_OWNER, MAX_FIRES_PER_DAY } = settingsOf({});
/** The most items of a page, and one more, which shows whether there is a next page. */
const PAGE = 101;
const MAX_ATTEMPTS = 10;

type Unit = Parameters<typeof dollarsPerMillion>[0];
const NOTHING: Unit = { objectCalls: 0, rowsWritten: 0, rowsRead: 0, awakeSeconds: 0 };

/** The highest cost of one of each. Rows read, a fire and a check of a stream are estimates from the code. */
const LIST: Unit = {
  ...NOTHING,
  objectCalls: MAX_LOOKS * SHARD_COUNT + PAGE,
  rowsRead: MAX_LOOKS * SHARD_COUNT * LOOKED_AT_ROWS + 5 * PAGE,
};
const CHANGE: Unit = { ...NOTHING, objectCalls: OBJECT_CALLS_OF_A_CALL, rowsWritten: ROWS_OF_A_CALL, rowsRead: 200 };
const FIRE: Unit = { ...NOTHING, objectCalls: 4, rowsWritten: 3 + 2 * (MAX_ATTEMPTS - 1) + 7, rowsRead: 100 };
const FRAME: Unit = {
  ...NOTHING,
  objectCalls: OBJECT_CALLS_OF_A_FRAME + 1 / 20,
  rowsWritten: ROWS_OF_A_FRAME,
  rowsRead: 10,
};
const STREAM_CHECK: Unit = { ...NOTHING, objectCalls: 2 };
const AWAKE: Unit = { ...NOTHING, awakeSeconds: 1 };

const dearer = (one: Unit, other: Unit): Unit => (dollarsPerMillion(one) > dollarsPerMillion(other) ? one : other);
const dollars = (count: number, unit: Unit): number => (count / 1e6) * dollarsPerMillion(unit);

const CALLS = CALLS_A_MINUTE * MINUTES;
const PARTS = {
  calls: dollars(CALLS, dearer(LIST, CHANGE)),
  readingCalls: dollars(CALLS, LIST),
  triggers: dollars(CALLS, CHANGE),
  fires: dollars(MAX_FIRES_PER_DAY, FIRE),
  awakeJobs: dollars(MAX_JOBS_PER_OWNER * SECONDS, AWAKE),
  streams: dollars(MAX_TOKEN_STREAMS * SECONDS, AWAKE) + dollars((MAX_TOKEN_STREAMS * SECONDS) / 4, STREAM_CHECK),
  shards: dollars(SHARD_COUNT * SECONDS, AWAKE),
  frames: dollars(MAX_FRAMES_A_MINUTE * MINUTES, FRAME),
};
type Part = keyof typeof PARTS;

const ROLES: readonly (readonly [role: string, parts: readonly Part[]])[] = [
  ["`agent`", ["calls", "triggers", "fires", "awakeJobs", "streams", "shards", "frames"]],
  ["`user`, `plugin`", ["calls", "triggers", "fires", "awakeJobs", "streams", "shards"]],
  ["`viewer`, and any with `access: read`", ["readingCalls", "streams", "shards"]],
  ["a job's trigger token", ["triggers"]],
];

const money = (amount: number): string => `$${Math.ceil(amount)}`;
const number = (value: number): string => value.toLocaleString("en-US");

it.each(ROLES)("the page says what a token of role %s can cost in a day", (role, parts) => {
  const total = parts.reduce((sum, part) => sum + PARTS[part], 0);
  expect(page).toContain(`| ${role} | ${parts.map((part) => money(PARTS[part])).join(" + ")} | **${money(total)}** |`);
});

it.each<[what: string, count: number, part: Part]>([
  ["calls, each the most expensive one: a list that finds nothing", CALLS, "calls"],
  ["calls with trigger tokens of its jobs", CALLS, "triggers"],
  ["fires, each with ten attempts and an event", MAX_FIRES_PER_DAY, "fires"],
  ["jobs awake all day, held open by their agent", MAX_JOBS_PER_OWNER, "awakeJobs"],
  ["event streams and sockets, open all day", MAX_TOKEN_STREAMS, "streams"],
  ["shards of the directory, awake all day", SHARD_COUNT, "shards"],
  ["frames of sockets", MAX_FRAMES_A_MINUTE * MINUTES, "frames"],
])("the page says what %s cost", (what, count, part) => {
  expect(page).toContain(`| ${number(count)} | ${what} | ${money(PARTS[part])} |`);
});

it("no token costs more than a few hundred dollars a day, and a reading one less than a hundred", () => {
  const totals = ROLES.map(([, parts]) => parts.reduce((sum, part) => sum + PARTS[part], 0));
  expect(Math.max(...totals)).toBeLessThan(300);
  expect(totals[2]).toBeLessThan(100);
});

it("the page says how many calls of agents one token can cause", () => {
  const runs = MAX_FIRES_PER_DAY + 2 * CALLS;
  expect(page).toContain(`${number(runs)} runs`);
  expect(page).toContain(`${number(runs * MAX_ATTEMPTS)} calls`);
});
