/**
 * Many owners on one deployment (issue 3): each list has exactly the right jobs, also while jobs come, change and
 * go, and after kills in between. There are 200 jobs of 10 owners, and 1,000 of 50 in the long run. `MANY_OWNERS` sets another number.
 */
import { readdir } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { bySize } from "../../size.ts";
import { atEnd, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";

const JOBS = Number(process.env.MANY_OWNERS ?? bySize(200, 1_000));
const OWNERS = JOBS / 20;
const AT_ONCE = 24;
/** Jobs in one import, as docs/moving.md advises. */
const PART = 2_000;
/** The limit: a few seconds for every thousand jobs, with room for a busy machine. */
const LIMIT_MS = 60_000 + JOBS * 60;

type Fields = Record<string, unknown> & { name: string; enabled: boolean; labels: Record<string, string> };
type Job = Fields & { id: string; owner_kind: string; exec_scope: string; state: string; created_at: string };

/** The owner of a job, in five kinds. */
function owned(owner: number): Record<string, unknown> {
  const plugin = { plugin_id: `p${owner}`, job_key: "k", runtime_name: "r" };
  return [
    { user_id: `u${owner}` },
    { user_id: owner, agent_id: "shared" },
    { agent_id: `a${owner}` },
    plugin,
    { user_id: `u${owner - 4}`, agent_id: `a${owner}` },
  ][owner % 5] as Record<string, unknown>;
}

const input = (owner: number, no: number): Fields => ({
  name: `Job ${owner}.${no} ${["red", "Green", "BLUE"][no % 3]}`,
  message: "go",
  schedule: { every: "1d" },
  enabled: no % 5 !== 0,
  labels: { team: `t${owner % 7}`, no: String(no % 4) },
  ...owned(owner),
});

/** Applies `act` to each item, some at a time, and returns the results in order. */
async function each<T, R>(
  items: readonly T[],
  act: (item: T, index: number) => Promise<R>,
  atOnce = AT_ONCE,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, one] of queue) results[index] = await act(one, index);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

const ok = async <T>(answer: Promise<Response>, status: number): Promise<T> => {
  const response = await answer;
  const text = await response.text();
  expect(response.status, text).toBe(status);
  return (text === "" ? undefined : JSON.parse(text)) as T;
};

/** All pages of a list. */
async function listAll(reveille: Reveille, query: string, token?: string): Promise<Job[]> {
  const jobs: Job[] = [];
  let cursor = "";
  do {
    const path = `/v1/jobs?limit=100&${query}${cursor}`;
    const page = await ok<{ items: Job[]; next_cursor?: string }>(
      reveille.api(path, token === undefined ? {} : { token }),
      200,
    );
    jobs.push(...page.items);
    cursor = page.next_cursor === undefined ? "" : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== "");
  return jobs;
}

const ids = (jobs: Iterable<{ id: string }>): string[] => [...jobs].map(({ id }) => id).sort();
const owner = (no: number): string => `${no * 5}`;

/** Each query with the jobs that match it. */
const FILTERS: readonly [query: string, (job: Job) => boolean][] = [
  ["", () => true],
  ["owner_kind=plugin", (job) => job.owner_kind === "plugin"],
  ["exec_scope=user&enabled=true", (job) => job.exec_scope === "user" && job.enabled],
  ["state=paused", (job) => !job.enabled],
  ["state=finished", () => false],
  ["agent_id=shared", (job) => job.agent_id === "shared"],
  [`agent_id=a${Number(owner(3)) + 2}`, (job) => job.agent_id === `a${Number(owner(3)) + 2}`],
  [`user_id=u${owner(2)}`, (job) => job.user_id === `u${owner(2)}`],
  [`user_id=${Number(owner(4)) + 1}`, (job) => job.user_id === `${Number(owner(4)) + 1}`],
  [`plugin_id=p${Number(owner(1)) + 3}`, (job) => job.plugin_id === `p${Number(owner(1)) + 3}`],
  ["label=team:t3&label=no:2", (job) => job.labels.team === "t3" && job.labels.no === "2"],
  ["q=blue&owner_kind=user", (job) => job.owner_kind === "user" && job.name.includes("BLUE")],
  ["name=Job%2010.7%20Green", (job) => job.name === "Job 10.7 Green"],
  ["label=moved:yes", (job) => job.labels.moved === "yes"],
];

describe(`${JOBS} jobs of ${OWNERS} owners`, () => {
  let reveille: Reveille;
  let dataDir: string;
  /** The expected jobs, by id. */
  const model = new Map<string, Job>();

  const create = async (fields: Fields): Promise<void> => {
    const job = await ok<Job>(reveille.api("/v1/jobs", { json: fields }), 201);
    model.set(job.id, job);
  };

  async function expectLists(): Promise<void> {
    for (const [query, matches] of FILTERS) {
      const listed = await listAll(reveille, query);
      expect(ids(listed), query).toEqual(ids([...model.values()].filter(matches)));
      const byAge = listed.map(({ created_at }) => created_at);
      expect(byAge, query).toEqual([...byAge].sort().reverse());
    }
  }

  beforeAll(async () => {
    dataDir = await temporaryFolder();
    const agent = await startAgent();
    atEnd(() => agent.stop());
    reveille = await startReveille({
      dataDir,
      env: { AGENT_URL: agent.url, AGENT_SECRET: agent.secret, MAX_JOBS_PER_OWNER: "20000" },
    });
    const all = Array.from({ length: JOBS }, (_, index) => input(index % OWNERS, Math.floor(index / OWNERS)));
    await each(all, create);
  }, LIMIT_MS);

  it("are in every list that they belong in, and in no other", expectLists, LIMIT_MS);

  it(
    "are visible to each owner's token: exactly the owner's own jobs",
    async () => {
      const owners = Array.from({ length: Math.min(15, OWNERS) }, (_, index) => index);
      for (const no of owners) {
        const { user_id, agent_id, plugin_id } = owned(no);
        const role = plugin_id !== undefined ? "plugin" : user_id !== undefined ? "user" : "agent";
        const carried = {
          user_id: { user_id },
          agent: { agent_id },
          plugin: { plugin_id },
          user: { user_id, agent_id },
        }[role];
        const { token } = await ok<{ token: string }>(
          reveille.api("/v1/tokens", { json: { role, expires_in: "1h", ...carried } }),
          201,
        );
        const own = [...model.values()].filter((job) =>
          Object.entries(carried).every(([field, id]) => id === undefined || job[field] === String(id)),
        );
        expect(own.length).toBeGreaterThanOrEqual(JOBS / OWNERS);
        expect(ids(await listAll(reveille, "", token)), `owner ${no}`).toEqual(ids(own));
      }
    },
    LIMIT_MS,
  );

  it(
    "are patched, moved, deleted and created at once, while a list is read without gaps or repeats",
    async () => {
      const present = [...model.values()];
      const untouched = new Set<string>();
      const reading = (async () => {
        const lists: string[][] = [];
        for (let round = 0; round < 3; round++) lists.push((await listAll(reveille, "")).map(({ id }) => id));
        return lists;
      })();
      await each(present, async (job, index) => {
        if (index % 8 < 2) {
          await ok(reveille.api(`/v1/jobs/${job.id}`, { method: "DELETE" }), 204);
          model.delete(job.id);
        } else if (index % 8 < 4) {
          const json = { enabled: !job.enabled, name: `${job.name} again`, labels: { no: "2" } };
          model.set(job.id, await ok<Job>(reveille.api(`/v1/jobs/${job.id}`, { method: "PATCH", json }), 200));
        } else if (index % 8 === 4 && job.owner_kind === "user") {
          const json = { user_id: `u${owner(2)}`, exec_scope: "user", labels: { moved: "yes" } };
          model.set(job.id, await ok<Job>(reveille.api(`/v1/jobs/${job.id}`, { method: "PATCH", json }), 200));
        } else if (index % 8 === 5) {
          await create(input(index % OWNERS, index % 20));
          untouched.add(job.id);
        } else if (index % 8 > 5) untouched.add(job.id);
      });
      for (const list of await reading) {
        expect(new Set(list).size).toBe(list.length);
        const listed = new Set(list);
        expect([...untouched].filter((id) => !listed.has(id))).toEqual([]);
      }
      await expectLists();
    },
    LIMIT_MS,
  );

  it("are counted by /v1/stats", async () => {
    const { jobs } = await ok<{ jobs: Record<string, unknown> }>(reveille.api("/v1/stats"), 200);
    const all = [...model.values()];
    const count = (matches: (job: Job) => boolean): number => all.filter(matches).length;
    expect(jobs).toEqual({
      total: all.length,
      by_state: { active: count((job) => job.enabled), paused: count((job) => !job.enabled), finished: 0 },
      by_scope: {
        system: count((job) => job.exec_scope === "system"),
        user: count((job) => job.exec_scope === "user"),
        all_users: 0,
      },
    });
  });

  it(
    "are exported, and imported again after their deletion",
    async () => {
      const lines = (await (await reveille.api("/v1/export")).text()).split("\n").filter((line) => line !== "");
      expect(lines.map((line) => JSON.parse(line).id).sort()).toEqual(ids(model.values()));
      const gone = lines.filter((_, index) => index % 10 === 0).map((line) => JSON.parse(line).id as string);
      await each(gone, (id) => ok(reveille.api(`/v1/jobs/${id}`, { method: "DELETE" }), 204));
      const headers = { "content-type": "application/x-ndjson" };
      let imported = 0;
      const reasons = new Set<string>();
      for (let from = 0; from < lines.length; from += PART) {
        const body = lines.slice(from, from + PART).join("\n");
        const report = await ok<{ imported: number; skipped: { reason: string }[] }>(
          reveille.api("/v1/import", { method: "POST", body, headers }),
          200,
        );
        imported += report.imported;
        for (const { reason } of report.skipped) reasons.add(reason);
      }
      expect([imported, [...reasons]]).toEqual([gone.length, [expect.stringMatching(/^already there/)]]);
      await expectLists();
    },
    LIMIT_MS,
  );

  it(
    "use no storage for unknown ids: calls with ids of no job create no file",
    async () => {
      const before = await files(dataDir);
      expect(before.length).toBeGreaterThan(model.size);
      const unknown = [
        "a1b2c3d4",
        "jaaaaaaaaaaaaaaaaaaaaaaab",
        "x".repeat(64),
        ...Array.from({ length: 30 }, (_, no) => `no-job-${no}`),
      ];
      await each(unknown, async (id) => {
        for (const path of [
          `/v1/jobs/${id}`,
          `/v1/jobs/${id}/runs`,
          `/v1/jobs/${id}/runs/${id}-s1`,
          `/v1/jobs/${id}/explain`,
        ]) {
          await ok(reveille.api(path), 404);
        }
        for (const verb of ["run", "pause", "resume"])
          await ok(reveille.api(`/v1/jobs/${id}/${verb}`, { method: "POST" }), 404);
        await ok(reveille.api(`/v1/jobs/${id}`, { method: "PATCH", json: { name: "x" } }), 404);
        await ok(reveille.api(`/v1/jobs/${id}`, { method: "DELETE" }), 404);
        for (const path of [`/v1/users/${id}`, `/v1/agents/${id}`]) await ok(reveille.api(path), 404);
      });
      expect(await files(dataDir)).toEqual(before);
    },
    LIMIT_MS,
  );
});

/** The databases of all objects, without the journals beside them. */
async function files(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".sqlite")).sort();
}

describe("SIGKILL in the middle of creating, patching and deleting", () => {
  const KILLS = bySize(2, 4);
  const ROUND = bySize(90, 150);

  it("loses no acknowledged job, lists no missing one, and a repeat under the same key completes the rest", async () => {
    const dataDir = await temporaryFolder();
    const env = { AGENT_URL: "http://127.0.0.1:9/", AGENT_SECRET: `whsec_${btoa("k".repeat(32))}` };
    let reveille = await startReveille({ dataDir, env });
    const send = (key: number) =>
      reveille.api("/v1/jobs", { json: input(key % 40, key), headers: { "idempotency-key": `key-${key}` } });
    const acknowledged = new Map<number, string>();
    const deleted = new Set<string>();
    const patched = new Set<string>();

    for (let kill = 0; kill < KILLS; kill++) {
      const keys = Array.from({ length: ROUND }, (_, index) => kill * ROUND + index);
      let calls = 0;
      let killed: Promise<void> | undefined;
      await each(keys, async (key) => {
        try {
          const response = await send(key);
          if (response.status !== 201) return;
          const { id } = (await response.json()) as Job;
          acknowledged.set(key, id);
          if (key % 6 === 1) {
            const answer = await reveille.api(`/v1/jobs/${id}`, { method: "DELETE" });
            if (answer.status === 204) deleted.add(id);
          }
          if (key % 6 === 2) {
            const json = { user_id: "mover", exec_scope: "user", labels: { patched: "yes" } };
            const answer = await reveille.api(`/v1/jobs/${id}`, { method: "PATCH", json });
            if (answer.status === 200) patched.add(id);
          }
        } catch {
          // The kill cut these calls off without an answer.
        }
        if (++calls === 40 + kill * 25) killed = reveille.kill("SIGKILL");
      });
      await killed;
      expect(acknowledged.size).toBeLessThan((kill + 1) * ROUND);
      reveille = await startReveille({ dataDir, port: reveille.port, env });
      // A job may be gone or not if the kill came before the answer to its deletion. Acknowledged deletions are certain.
      const listed = await listAll(reveille, "");
      expect(new Set(ids(listed)).size).toBe(listed.length);
      await each(listed, ({ id }) => ok(reveille.api(`/v1/jobs/${id}`), 200));
      const there = new Set(ids(listed));
      const maybe = [...acknowledged].filter(([key]) => key % 6 === 1).map(([, id]) => id);
      const certain = [...acknowledged.values()].filter((id) => !maybe.includes(id));
      expect(certain.filter((id) => !there.has(id))).toEqual([]);
      expect([...deleted].filter((id) => there.has(id))).toEqual([]);
      const moved = new Set(ids(await listAll(reveille, "user_id=mover&label=patched:yes")));
      expect([...patched].filter((id) => !moved.has(id))).toEqual([]);
      await each(
        keys.filter((key) => key % 6 !== 1),
        async (key) => {
          const response = await send(key);
          const { id } = (await response.json()) as Job;
          expect([200, 201]).toContain(response.status);
          expect(id).toBe(acknowledged.get(key) ?? id);
          acknowledged.set(key, id);
        },
      );
    }
    const finally_ = await listAll(reveille, "");
    const keyed = [...acknowledged].filter(([key]) => key % 6 !== 1).map(([, id]) => id);
    expect(keyed).toHaveLength(KILLS * ROUND * (5 / 6));
    const names = finally_.map(({ name }) => name.replace(" again", ""));
    expect(new Set(names).size).toBe(names.length);
    expect(keyed.filter((id) => !new Set(ids(finally_)).has(id))).toEqual([]);
  }, 180_000);
});
