/** Jobs that have been asleep, and how late each is called. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { bytesOf, MEDIA, newFolder, removeFolder } from "./folders.ts";
import { create, type LagFigures, lag, warmUp } from "./measures/timed.ts";
import { type Sink, startSink } from "./sink.ts";
import type { Medium, Running, System } from "./systems/system.ts";

export type FiresOptions = {
  readonly medium: Medium;
  readonly jobs: number;
  /** Milliseconds between the times of two jobs. */
  readonly gapMs: number;
  /** Milliseconds between the first jobs of two systems. */
  readonly offsetMs: number;
};

export type Wake = { readonly name: string; readonly lags: LagFigures; readonly bytesPerJob: number };

const WARM_UP_JOBS = 100;
const WARM_UP_FIRES = 10;
const WARM_UP_MS = 1_000;
const ATTEMPTS = 3;
/** The time for copying, and for a machine that has become slower. */
const SPARE_MS: Readonly<Record<Medium, number>> = { disk: 3_500, ram: 1_500 };
const SPARE_FACTOR = 1.3;

/**
 * Creates the jobs of all systems at the same time, without measuring, and lets them fire. A job of a scheduler with one
 * object per job has usually been asleep for long when it is due. So these schedulers create their jobs on a RAM disk and are stopped.
 * Their data is copied to the measured disk, and they are started again. Throws if a call does not come.
 */
export async function fires(systems: readonly System[], options: FiresOptions): Promise<readonly Wake[]> {
  for (let attempt = 1; ; attempt++) {
    const started = await Promise.allSettled(systems.map((system) => stand(system, options.medium)));
    const stands = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    try {
      for (const one of started) if (one.status === "rejected") throw one.reason;
      return await makeAndFire(stands, options, attempt);
    } catch (error) {
      if (!(error instanceof TooSlow) || attempt === ATTEMPTS) throw error;
      console.log(`  once more, with more time: ${error.message}`);
    } finally {
      for (const { running, sink, folders } of stands) {
        await running().stop();
        await sink.stop();
        for (const folder of folders) await removeFolder(folder);
      }
    }
  }
}

/** The machine did not keep the times that were planned. */
class TooSlow extends Error {}

/** One system with an agent of its own. */
type Stand = {
  readonly system: System;
  readonly sink: Sink;
  readonly folders: readonly string[];
  readonly startMs: number;
  running(): Running;
  /** Puts the system into the state after a long sleep, with no open files and nothing in memory. Returns the bytes of all jobs on the disk. */
  sleepLong(): Promise<number>;
};

async function stand(system: System, medium: Medium): Promise<Stand> {
  const sink = await startSink();
  const agentUrl = sink.url("/ok");
  const dataDir = await newFolder(medium);
  const made = system.objectPerJob ? await newFolder(MEDIA.at(-1) ?? medium) : dataDir;
  const startedAt = Date.now();
  let running = await system.start({ dataDir: made, agentUrl });
  const startMs = Date.now() - startedAt;
  const bytesBefore = bytesOf(made);
  return {
    system,
    sink,
    folders: [...new Set([dataDir, made])],
    startMs,
    running: () => running,
    async sleepLong() {
      if (!system.objectPerJob) return bytesOf(dataDir) - bytesBefore;
      await running.stop();
      closeDatabases(made);
      execFileSync("cp", ["-a", `${made}/.`, dataDir]);
      // Otherwise the kernel would write it during the measurement.
      execFileSync("sync", ["-f", dataDir]);
      running = await system.start({ dataDir, agentUrl });
      return bytesOf(dataDir) - bytesBefore;
    },
  };
}

/** Merges the logs of the databases, since Miniflare does not wait for workerd to do it. Sleeping objects have merged theirs. */
function closeDatabases(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".sqlite-wal")) continue;
    const database = new DatabaseSync(join(folder, name.slice(0, -"-wal".length)));
    // The first statement opens a database, and closing it merges the log.
    database.exec("PRAGMA schema_version");
    database.close();
  }
}

/** Throws TooSlow if a job was due before all were created, or a system was not done before the next one's turn. */
async function makeAndFire(stands: readonly Stand[], options: FiresOptions, attempt: number): Promise<readonly Wake[]> {
  const { medium, jobs, gapMs } = options;
  const inTurn = options.offsetMs > gapMs;
  const offsetMs = inTurn ? options.offsetMs * attempt : options.offsetMs;
  await Promise.all(stands.map(({ running }) => warmUp(running(), WARM_UP_JOBS)));
  const rates = await Promise.all(stands.map(({ running }) => warmUp(running(), WARM_UP_JOBS)));
  const makingMs = (jobs / Math.min(...rates)) * 1_000;
  const startMs = Math.max(...stands.map(({ startMs }) => startMs));
  const aheadMs = ((makingMs + startMs) * SPARE_FACTOR + WARM_UP_MS + SPARE_MS[medium]) * attempt;
  // A whole second, since the Agents SDK knows no fractions.
  const firstDueAt = Math.ceil((Date.now() + aheadMs) / 1_000) * 1_000;
  const late = (): boolean => Date.now() > firstDueAt - 200;
  const bytes = await Promise.all(
    stands.map(async ({ running, sink, sleepLong }, n) => {
      try {
        await create(running(), jobs, firstDueAt + n * offsetMs, gapMs);
      } catch (error) {
        // Reveille refuses a time that has passed meanwhile. Every other refusal is an error.
        if (late()) return Number.NaN;
        throw error;
      }
      const bytes = await sleepLong();
      // The first creates and fires also load the code, so they are not counted.
      await create(running(), WARM_UP_FIRES, Date.now() + WARM_UP_MS, 0);
      await sink.arrivals(WARM_UP_FIRES, 30_000, 0);
      await sink.reset();
      return bytes;
    }),
  );
  if (late()) throw new TooSlow(`${jobs} jobs were not made before they were due`);
  const wakes: Wake[] = [];
  for (const [n, { system, sink }] of stands.entries()) {
    const lastDueAt = firstDueAt + n * offsetMs + jobs * gapMs;
    await sleep(Math.max(0, lastDueAt - Date.now()));
    const lags = await lag(sink, jobs, lastDueAt);
    if (inTurn && n + 1 < stands.length && Date.now() > firstDueAt + (n + 1) * offsetMs)
      throw new TooSlow(`${system.name} was not done before the next one's turn`);
    wakes.push({ name: system.name, lags, bytesPerJob: (bytes[n] ?? Number.NaN) / (jobs + 2 * WARM_UP_JOBS) });
  }
  return wakes;
}
