/** Jobs of other schedulers: shown with their next fires, refused if they cannot be carried over, created with --apply. */
import { Cron } from "croner";
import { RRuleTemporal } from "rrule-temporal";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Ran, runHere } from "../../harness/cli.ts";
import { type Reveille, startReveille, temporaryFolder } from "../../harness/index.ts";

let reveille: Reveille;
let cwd: string;
beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
  cwd = await temporaryFolder();
});

const cli = (stdin: string, ...words: string[]): Promise<Ran> =>
  runHere(words, { cwd, stdin, env: { REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken } });

const Shown = z.object({
  jobs: z.array(
    z.looseObject({
      place: z.string(),
      fields: z.looseObject({ name: z.string() }),
      next: z.array(z.object({ at: z.string(), local: z.string() })),
      id: z.string().optional(),
    }),
  ),
  refused: z.array(z.object({ place: z.string(), why: z.string() })),
});
const shownOf = ({ out }: Ran) => Shown.parse(JSON.parse(out));

/** An independent reading of a crontab's line, which checks every minute from `from` on (epoch ms, UTC). */
function independentFires(fields: string, from: number, count: number): string[] {
  const [minute = "*", hour = "*", day = "*", month = "*", weekday = "*"] = fields.split(" ");
  const fits = (field: string, value: number, low: number, high: number): boolean =>
    field.split(",").some((part) => {
      const [range = "*", step = "1"] = part.split("/");
      const [start = low, end = range.includes("-") || !part.includes("/") ? undefined : high] =
        range === "*" ? [low, high] : range.split("-").map(Number);
      const last = end ?? start;
      return value >= start && value <= last && (value - start) % Number(step) === 0;
    });
  const found: string[] = [];
  for (let at = Math.floor(from / 60_000) * 60_000 + 60_000; found.length < count; at += 60_000) {
    const now = new Date(at);
    const isDay = fits(day, now.getUTCDate(), 1, 31);
    const isWeekday = fits(weekday.replaceAll("7", "0"), now.getUTCDay(), 0, 6);
    const isDate = day !== "*" && weekday !== "*" ? isDay || isWeekday : isDay && isWeekday;
    if (
      fits(minute, now.getUTCMinutes(), 0, 59) &&
      fits(hour, now.getUTCHours(), 0, 23) &&
      fits(month, now.getUTCMonth() + 1, 1, 12) &&
      isDate
    ) {
      found.push(now.toISOString());
    }
  }
  return found;
}

describe("crontab", () => {
  it.each(["0 9 * * 1-5", "*/15 8-17 * * *", "30 6 1,15 * *", "5 4 * 2,7 *", "0 0 13 * 5", "10-50/20 */6 * * 0"])(
    "fires at the times of an independent reading: %s",
    async (fields) => {
      const before = Date.now();
      const { jobs, refused } = shownOf(
        await cli(`${fields} run it\n`, "import", "crontab", "-", "--timezone", "UTC", "--json"),
      );
      expect(refused).toEqual([]);
      const fires = jobs[0]?.next.map(({ at }) => at);
      // A minute may have begun in between.
      expect([independentFires(fields, before, 10), independentFires(fields, Date.now(), 10)]).toContainEqual(fires);
    },
  );

  it("carries over commands, zones and settings, and refuses the rest line by line", async () => {
    const tab = [
      "# nightly",
      "MAILTO=ops@example.com",
      "LANG=C",
      "0 3 * * * backup --all",
      "@reboot start",
      "CRON_TZ=Asia/Tokyo",
      "@daily mail -s 100\\% ada%Dear Ada%bye",
      "30 3 */2 * 1 both",
      "61 * * * * never",
      "* * *",
    ].join("\n");
    const ran = await cli(tab, "import", "crontab", "-", "--timezone", "Europe/Berlin", "--json");
    expect(ran.code).toBe(1);
    const { jobs, refused } = shownOf(ran);
    expect(jobs.map(({ place, fields }) => [place, fields])).toEqual([
      [
        "line 4",
        {
          name: "backup --all",
          message: "backup --all",
          schedule: { cron: "0 3 * * *", timezone: "Europe/Berlin" },
          payload: { command: "backup --all", environment: { LANG: "C" } },
        },
      ],
      [
        "line 7",
        {
          name: "mail -s 100% ada",
          message: "mail -s 100% ada",
          schedule: { cron: "@daily", timezone: "Asia/Tokyo" },
          payload: { command: "mail -s 100% ada", environment: { LANG: "C" }, stdin: "Dear Ada\nbye" },
        },
      ],
    ]);
    expect(refused.map(({ place }) => place).toSorted()).toEqual(["line 10", "line 5", "line 8", "line 9"]);
  });
});

const openclaw = JSON.stringify({
  version: 1,
  jobs: [
    {
      id: "a",
      name: "Brief",
      enabled: true,
      createdAtMs: 1,
      updatedAtMs: 1,
      schedule: { kind: "cron", expr: "0 7 * * *", tz: "America/Los_Angeles" },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "Summarize", model: "m", timeoutSeconds: 120 },
      delivery: { mode: "announce", channel: "slack" },
      state: {},
    },
    {
      id: "b",
      name: "Queue",
      enabled: false,
      schedule: { kind: "every", everyMs: 1_800_000, anchorMs: 1_700_000_000_000 },
      sessionTarget: "main",
      payload: { kind: "systemEvent", text: "Check" },
      state: {},
    },
    {
      id: "c",
      name: "Gone",
      enabled: true,
      schedule: { kind: "at", at: "2020-01-01T00:00:00" },
      sessionTarget: "main",
      payload: { kind: "systemEvent", text: "x" },
      state: {},
    },
    {
      id: "d",
      name: "Seconds",
      enabled: true,
      schedule: { kind: "cron", expr: "*/5 * * * * *" },
      payload: { kind: "systemEvent", text: "x" },
    },
    {
      id: "e",
      name: "Script",
      enabled: true,
      schedule: { kind: "every", everyMs: 60_000 },
      payload: { kind: "command", argv: [] },
    },
    {
      id: "f",
      name: "Gate",
      enabled: true,
      schedule: { kind: "every", everyMs: 60_000 },
      payload: { kind: "systemEvent", text: "x" },
      condition: "x",
    },
  ],
});

describe("openclaw", () => {
  const NOW = Date.now();
  const HOUR = 3_600_000;
  /** OpenClaw asks croner for the next time of an expression, and counts intervals from `anchorMs`, else from the job's creation. */
  const theirs = ({ expr, tz, everyMs, anchorMs, at }: Record<string, unknown>, now: number): string[] => {
    if (typeof at === "string") return [new Date(at).toISOString()];
    if (typeof expr === "string") {
      const zone = typeof tz === "string" ? tz : "Europe/Berlin";
      return new Cron(expr, { timezone: zone }).nextRuns(10, new Date(now)).map((fire) => fire.toISOString());
    }
    const [every, anchor] = [Number(everyMs), Number(anchorMs ?? CREATED)];
    const first = now < anchor ? anchor : anchor + (Math.floor((now - anchor) / every) + 1) * every;
    return Array.from({ length: 10 }, (_, index) => new Date(first + index * every).toISOString());
  };
  const CREATED = Date.parse("2026-03-05T17:11:09.123Z");

  it.each([
    [{ kind: "cron", expr: "0 7 * * *", tz: "America/Los_Angeles" }],
    [{ kind: "cron", expr: "30 9 * * 1-5", tz: "Asia/Kolkata" }],
    [{ kind: "cron", expr: "*/20 6-22/4 * * *" }],
    [{ kind: "cron", expr: "15 6 1,15 * MON", tz: "Europe/London" }],
    [{ kind: "cron", expr: "0 12 L * *", tz: "Pacific/Auckland" }],
    [{ kind: "cron", expr: "0 18 * * FRI#2", tz: "UTC" }],
    [{ kind: "every", everyMs: 1_800_000, anchorMs: 1_700_000_000_000 }],
    [{ kind: "every", everyMs: 7 * 24 * HOUR }],
    [{ kind: "every", everyMs: HOUR, anchorMs: NOW + 5 * 24 * HOUR }],
    [{ kind: "at", at: new Date(NOW + 30 * 24 * HOUR).toISOString() }],
  ])("fires at the ten times that OpenClaw itself computes: %j", async (schedule) => {
    const job = {
      ...{ id: "a", name: "A", enabled: true, createdAtMs: CREATED, sessionTarget: "main", state: {} },
      payload: { kind: "systemEvent", text: "x" },
      schedule,
    };
    const file = JSON.stringify({ version: 1, jobs: [job] });
    const before = Date.now();
    const { jobs, refused } = shownOf(
      await cli(file, "import", "openclaw", "-", "--timezone", "Europe/Berlin", "--json"),
    );
    expect(refused).toEqual([]);
    const fires = jobs[0]?.next.map(({ at }) => at);
    // A fire may have come in between.
    expect([theirs(schedule, before), theirs(schedule, Date.now())]).toContainEqual(fires);
  });

  it("creates the jobs that can be carried over, once, and names the others", async () => {
    const ran = await cli(openclaw, "import", "openclaw", "-", "--apply", "--json");
    expect(ran.code).toBe(1);
    const { jobs, refused } = shownOf(ran);
    expect(jobs.map(({ fields }) => fields)).toMatchObject([
      {
        name: "Brief",
        message: "Summarize",
        session_mode: "new",
        timeout: "120s",
        payload: { model: "m", delivery: { mode: "announce" } },
      },
      {
        name: "Queue",
        message: "Check",
        enabled: false,
        schedule: { every: "30m", starts_at: "2023-11-14T22:13:20.000Z" },
      },
    ]);
    expect(jobs.map(({ next }) => next.length)).toEqual([10, 10]);
    expect(refused.map(({ place }) => place)).toEqual([
      'jobs[2] "Gone"',
      'jobs[4] "Script"',
      'jobs[5] "Gate"',
      'jobs[3] "Seconds"',
    ]);
    const again = shownOf(await cli(openclaw, "import", "openclaw", "-", "--apply", "--json"));
    expect(again.jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
    const { items } = z
      .object({ items: z.array(z.looseObject({ id: z.string() })) })
      .parse(await (await reveille.api("/v1/jobs")).json());
    expect(items.map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });
});

/** The local time of the zone, as `20260305T181100`. */
const localText = (at: number, zone: string): string =>
  new Date(at).toLocaleString("sv-SE", { timeZone: zone }).replace(" ", "T").replace(/[-:]/g, "");

it("creates a job for each of several equal lines, and finds the same jobs when applied again", async () => {
  const tab = "0 4 * * * twice\n0 4 * * * twice\n";
  const words = ["import", "crontab", "-", "--timezone", "UTC", "--apply", "--json"] as const;
  const first = shownOf(await cli(tab, ...words)).jobs.map(({ id }) => id);
  expect(new Set(first).size).toBe(2);
  expect(shownOf(await cli(tab, ...words)).jobs.map(({ id }) => id)).toEqual(first);
  for (const id of first) await reveille.api(`/v1/jobs/${id}`, { method: "DELETE" });
});

describe("codex", () => {
  const automation = (more: string): string =>
    `version = 1\nid = "w"\nname = "Weekly"\nprompt = "Write it."\nstatus = "ACTIVE"\ncwds = ["/repo"]\n${more}\n`;

  it("keeps its rule, in the zone of the machine that it ran on", async () => {
    const ran = await cli(
      automation('rrule = "RRULE:FREQ=WEEKLY;BYDAY=FR;BYHOUR=9;BYMINUTE=0"'),
      "import",
      "codex",
      "-",
      "--timezone",
      "Europe/Berlin",
    );
    expect(ran.code).toBe(0);
    expect(ran.out.match(/^ {4}\d{4}-\d\d-\d\dT09:00:00\+0[12]:00 {2}/gm)).toHaveLength(10);
    expect(ran.out).toContain("1 job can be carried over. Nothing was created; --apply does it.");
  });

  /** Computed by rrule-temporal, which shares no code with us. */
  it.each([
    ["FREQ=WEEKLY;BYDAY=FR;BYHOUR=9;BYMINUTE=0", "Europe/Berlin"],
    ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;BYHOUR=9,17;BYMINUTE=30", "America/New_York"],
    ["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0", "Asia/Tokyo"],
    ["FREQ=HOURLY;INTERVAL=6", "UTC"],
    ["FREQ=HOURLY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR", "Asia/Kolkata"],
    ["FREQ=DAILY;BYHOUR=7;BYMINUTE=5", "Australia/Sydney"],
    ["FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=16;BYMINUTE=0", "Europe/Berlin"],
    ["FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1,15;BYHOUR=12;BYMINUTE=0", "UTC"],
  ])("fires at the ten times of an independent reading: %s in %s", async (rule, zone) => {
    // Cut to the minute like DTSTART.
    const created = Date.parse("2026-03-05T17:11:00Z");
    const before = Date.now();
    const ran = await cli(
      automation(`rrule = "${rule}"\ncreated_at = ${created + 9_123}`),
      ...["import", "codex", "-", "--timezone", zone, "--json"],
    );
    const { jobs, refused } = shownOf(ran);
    expect(refused).toEqual([]);
    const text = `DTSTART;TZID=${zone}:${localText(created, zone)}\nRRULE:${rule.replace("RRULE:", "")}`;
    const other = new RRuleTemporal({ rruleString: text });
    const theirs = (from: number): string[] => {
      const until = Date.parse(jobs[0]?.next.at(-1)?.at ?? "");
      const found = other.between(new Date(from), new Date(until), true).map((at) => at.epochMilliseconds);
      return found.filter((at) => at > from).map((at) => new Date(at).toISOString());
    };
    const fires = jobs[0]?.next.map(({ at }) => at);
    expect(fires).toHaveLength(10);
    expect([theirs(before), theirs(Date.now())]).toContainEqual(fires);
  });

  it("says so if an interval's phase is not in the file", async () => {
    const ran = await cli(automation('rrule = "FREQ=HOURLY;INTERVAL=6"'), "import", "codex", "-", "--timezone", "UTC");
    expect(ran.out).toContain("note: it says neither DTSTART nor created_at");
  });

  it.each([
    ["another status", 'rrule = "FREQ=DAILY"\nstatus2 = 1', 'status = "ACTIVE"', 'status = "LOST"'],
    ["a thread of its own", 'rrule = "FREQ=DAILY"\ntarget_thread_id = "t"', "", ""],
    ["no rule", "", "", ""],
    ["a rule that is none", 'rrule = "FREQ=SOMETIMES"', "", ""],
  ])("refuses one with %s", async (_, more, from, to) => {
    const ran = await cli(automation(more).replace(from, to), "import", "codex", "-");
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining("not carried over")]);
  });
});

it("ends with 1 for an invalid file, and with 2 for an unknown kind", async () => {
  expect((await cli("{", "import", "openclaw", "-")).code).toBe(1);
  expect((await cli("= x", "import", "codex", "-")).code).toBe(1);
  expect((await cli("", "import", "airflow", "-")).code).toBe(2);
  expect((await cli("", "import")).code).toBe(2);
});
