/** Jobs in git: a file is planned and applied against a running service. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { type Ran, runHere } from "../../harness/cli.ts";
import { type Reveille, startReveille, temporaryFolder } from "../../harness/index.ts";

let reveille: Reveille;
let cwd: string;
let namespace: string;
let count = 0;

beforeAll(async () => {
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});
beforeEach(async () => {
  cwd = await temporaryFolder();
  count += 1;
  namespace = `n${count}`;
});

const cli = (...words: string[]): Promise<Ran> =>
  runHere(words, { cwd, env: { REVEILLE_URL: reveille.url, REVEILLE_TOKEN: reveille.adminToken } });

const write = (jobs: object): Promise<void> =>
  writeFile(join(cwd, "reveille.json"), JSON.stringify({ namespace, jobs }));

const Jobs = z.object({
  items: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      state: z.string(),
      message: z.string().optional(),
      updated_at: z.string(),
    }),
  ),
});
const jobs = async () =>
  Jobs.parse(
    await (await reveille.api(`/v1/jobs?label=reveille/namespace:${namespace}&state=active,paused,finished`)).json(),
  ).items;

const A = { name: "a", message: "one", schedule: { cron: "0 9 * * *" } };
const B = { message: "two", schedule: { every: "1h" }, labels: { team: "ops" } };

it("creates missing jobs, and none the second time", async () => {
  await write({ a: A, b: B });
  const planned = await cli("plan", "--exit-code");
  expect([planned.code, planned.out]).toEqual([
    3,
    expect.stringMatching(/^\+ n\d+\/a {2}create\n.*T09:00:00.*2 to create, 0 to change, 0 to delete, 0 left/s),
  ]);
  expect(await jobs()).toEqual([]);
  expect(await cli("apply")).toMatchObject({ code: 0, out: expect.stringContaining("2 changes made.") });
  const before = await jobs();
  expect(before.map(({ name }) => name).toSorted()).toEqual(["a", "b"]);
  expect(await cli("apply")).toMatchObject({ code: 0, out: "Nothing to change.\n" });
  expect(await cli("plan", "--exit-code")).toMatchObject({ code: 0 });
  expect(await jobs()).toEqual(before);
});

it("accepts as many labels in a file as a job may have elsewhere", async () => {
  const labels = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`label-${index}`, "x"]));
  await write({ a: { ...A, labels } });
  expect(await cli("apply")).toMatchObject({ code: 0 });
  expect(await cli("plan", "--exit-code")).toMatchObject({ code: 0 });
  await write({ a: { ...A, labels: { ...labels, another: "x" } } });
  expect(await cli("apply")).toMatchObject({ code: 1, err: expect.stringContaining("at most 16 labels") });
});

it("shows a change field by field with the next three fires before and after, and makes it", async () => {
  await write({ a: A, b: B });
  await cli("apply");
  await write({ a: { ...A, schedule: { cron: "30 8 * * *" }, message: "new" }, b: B });
  const { out } = await cli("plan", "--json");
  const fires = (time: string) => [1, 2, 3].map(() => expect.stringContaining(`T${time}`));
  expect(JSON.parse(out)).toMatchObject({
    changes: 1,
    steps: [
      {
        action: "change",
        key: "a",
        changes: [
          { field: "schedule.cron", before: "0 9 * * *", after: "30 8 * * *" },
          { field: "message", before: "one", after: "new" },
        ],
        next: { before: fires("09:00"), after: fires("08:30") },
      },
      { action: "leave", key: "b" },
    ],
  });
  await cli("apply");
  expect((await jobs()).find(({ name }) => name === "a")?.message).toBe("new");
});

it("removes fields that the file no longer has, and replaces the schedule by another kind", async () => {
  await write({
    a: { ...A, description: "old", overlap: "allow_all", schedule: { cron: "0 9 * * *", timezone: "Asia/Tokyo" } },
  });
  await cli("apply");
  await write({ a: { ...A, schedule: { every: "2h" } } });
  expect((await cli("apply")).code).toBe(0);
  const [job] = await jobs();
  expect(job).toMatchObject({ overlap: "skip", schedule: { every: "2h" } });
  expect(job).not.toHaveProperty("description");
  expect((await cli("plan", "--exit-code")).code).toBe(0);
});

it("deletes only with --prune, and only in its namespace", async () => {
  await reveille.api("/v1/jobs", { json: { ...A, name: "not of a file" } });
  await write({ a: A, b: B });
  await cli("apply");
  await write({ a: A });
  expect(await cli("plan", "--exit-code")).toMatchObject({
    code: 0,
    out: expect.stringContaining("--prune deletes it"),
  });
  await cli("apply");
  expect(await jobs()).toHaveLength(2);
  expect((await cli("plan", "--prune", "--exit-code")).code).toBe(3);
  await cli("apply", "--prune");
  expect((await jobs()).map(({ name }) => name)).toEqual(["a"]);
  const outside = Jobs.parse(await (await reveille.api("/v1/jobs?name=not%20of%20a%20file")).json());
  expect(outside.items).toHaveLength(1);
});

it("creates each job once if two processes apply the same file at once, and again after it is gone", async () => {
  await write({ a: A, b: B });
  const both = await Promise.all([cli("apply"), cli("apply")]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const made = await jobs();
  expect(made.map(({ name }) => name).toSorted()).toEqual(["a", "b"]);
  for (const { id } of made) await reveille.api(`/v1/jobs/${id}`, { method: "DELETE" });
  expect((await cli("apply")).code).toBe(0);
  const again = await jobs();
  expect(again).toHaveLength(2);
  // A job that leaves the namespace no longer belongs to the file, so the file's job is created.
  const [moved] = again;
  const labels = { "reveille/namespace": null, "reveille/key": null };
  await reveille.api(`/v1/jobs/${moved?.id}`, { method: "PATCH", json: { labels } });
  expect((await cli("apply")).code).toBe(0);
  expect((await jobs()).map(({ id }) => id)).not.toContain(moved?.id);
  expect(await jobs()).toHaveLength(2);
});

it("checks every job before it changes one", async () => {
  await write({ a: A });
  await cli("apply");
  await write({ a: { ...A, message: "changed" }, b: { ...B, schedule: { every: "soon" } }, c: { nme: "x" } });
  const { code, err } = await cli("apply");
  expect(code).toBe(1);
  expect(err).toMatch(/jobs\.b: schedule\.every: "soon".*jobs\.c: /s);
  expect((await jobs()).map(({ message }) => message)).toEqual(["one"]);
});

it("does not change a job that somebody paused, or jobs whose time has passed in any form", async () => {
  const end = Date.now() + 8_000;
  const soon = new Date(end).toISOString();
  const name = `paused in ${namespace}`;
  const ended = {
    once: { message: "m", schedule: { at: soon } },
    local: {
      message: "m",
      schedule: { at: new Date(end + 9 * 3_600_000).toISOString().slice(0, 19), timezone: "Asia/Tokyo" },
    },
    until: { message: "m", schedule: { every: "2s", ends_at: soon } },
    rule: {
      message: "m",
      schedule: {
        rrule: `FREQ=MINUTELY;UNTIL=${soon.replace(/[-:]|\.\d+/g, "")}`,
        starts_at: new Date(end - 600_000).toISOString(),
        timezone: "UTC",
      },
    },
  };
  // The rule may have no minute within the remaining time. Then the job does not exist, and counts as one whose time has passed.
  await write({ a: { ...A, name }, ...ended });
  expect((await cli("apply")).code).toBe(0);
  expect((await cli("jobs", "pause", name)).code).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, Math.max(end + 500 - Date.now(), 0)));
  const planned = await cli("plan", "--exit-code");
  expect(planned.code, planned.err).toBe(0);
  expect(await cli("apply")).toMatchObject({ code: 0, out: "Nothing to change.\n" });
  expect((await jobs()).find((job) => job.name === name)?.state).toBe("paused");
  // Other changes are still applied to such a job, and a new time makes it active again.
  await write({ a: { ...A, name }, ...ended, until: { message: "other", schedule: ended.until.schedule } });
  expect(await cli("apply")).toMatchObject({ code: 0, out: expect.stringContaining("1 change made.") });
  await write({ a: { ...A, name }, ...ended, until: { message: "other", schedule: { every: "1h" } } });
  expect(await cli("apply")).toMatchObject({ code: 0, out: expect.stringContaining("1 change made.") });
  expect((await jobs()).find((job) => job.name === "until")?.state).toBe("active");
  // A file whose jobs' times had passed before the first apply is no error either.
  namespace = `${namespace}-new`;
  await write(ended);
  expect(await cli("plan", "--exit-code")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^( {2}\S+ {2}left: its time has passed\n){4}/),
  });
});

describe("a file that cannot be used", () => {
  it.each([
    ["no namespace", { jobs: {} }, /namespace: is missing/],
    ["a field that is none", { namespace: "x", jobs: {}, job: {} }, /job: is not a field of a job file/],
    [
      "a time from now on",
      { namespace: "x", jobs: { a: { ...A, schedule: { in: "5m" } } } },
      /schedule\.in: would be another time at each apply/,
    ],
    ["jobs as a list", { namespace: "x", jobs: [A] }, /jobs: must be an object/],
  ])("%s ends with 1", async (_, document, words) => {
    await writeFile(join(cwd, "reveille.json"), JSON.stringify(document));
    const { code, err } = await cli("apply");
    expect([code, err]).toEqual([1, expect.stringMatching(words)]);
  });

  it("a missing file ends with 2, and so do two files", async () => {
    expect((await cli("plan")).code).toBe(2);
    await write({ a: A });
    await writeFile(join(cwd, "reveille.yaml"), "namespace: x\njobs: {}\n");
    expect((await cli("plan")).code).toBe(2);
  });

  it("an error in YAML and TOML is reported with its place", async () => {
    await writeFile(join(cwd, "reveille.yaml"), "namespace: x\njobs:\n  a: [\n");
    expect(await cli("plan")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/reveille\.yaml cannot be read: .*line/s),
    });
    await writeFile(join(cwd, "a.toml"), 'namespace = "x"\njobs = {\n');
    expect((await cli("plan", "a.toml")).code).toBe(1);
  });
});
