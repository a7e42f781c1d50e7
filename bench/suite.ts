/** Every measure in turn, and the report. */
import { writeFileSync } from "node:fs";
import { MEDIA, newFolder, removeFolder } from "./folders.ts";
import { describeMachine, describePeers } from "./machine.ts";
import { type Counted, countedWorker, reveilleCosts, simpleCosts } from "./measures/cost.ts";
import { named } from "./names.ts";
import { burst, creates, fanOuts, idle, lists, runsNow, steady } from "./plan.ts";
import { type Costs, report } from "./report.ts";
import { Results } from "./results.ts";
import { startSink } from "./sink.ts";
import { agentsSdk } from "./systems/agents-sdk.ts";
import { signedFloor } from "./systems/floor.ts";
import type { System } from "./systems/system.ts";

export type SuiteOptions = {
  /** The command, as the report names it. */
  readonly command: string;
  /** More runs, larger counts, bursts on a RAM disk as well, and 5,000 at one instant. */
  readonly full: boolean;
  readonly rounds: number;
  /** The floor and Reveille. */
  readonly own: readonly System[];
  readonly peers: readonly System[];
  /** The file of the report. */
  readonly out: string;
};

/** Takes every measure, writes the report, and returns what failed. */
export async function suite({ command, full, rounds, own, peers, out }: SuiteOptions): Promise<readonly string[]> {
  const startedAt = Date.now();
  const results = new Results();
  const sink = await startSink();
  const all = [...own, ...peers];
  const bench = { results, sink, systems: all, rounds };
  const once = { ...bench, rounds: 1 };
  const few = full ? rounds : Math.min(2, rounds);
  const failures: string[] = [];
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1_000);

  /** Reports a failed part and leaves it out. The others still count. */
  const part = async (title: string, measure: () => Promise<void>): Promise<void> => {
    console.log(`\n${title} (after ${seconds()} s)`);
    try {
      await measure();
    } catch (error) {
      failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
      console.error(error);
    }
  };

  for (const medium of MEDIA) {
    const on = medium === "disk" ? bench : { ...bench, systems: all.filter(({ objectPerJob }) => objectPerJob) };
    await part(`Creates: ${medium}`, () => creates(on, medium, full ? 500 : 300));
    if (full || medium === "disk")
      await part(`1,000 at one instant: ${medium}`, () => burst({ ...on, rounds: few }, medium, 1_000));
  }
  if (full) await part("5,000 at one instant", () => burst({ ...once, systems: own }, MEDIA.at(-1) ?? "disk", 5_000));
  if (full || peers.length > 0) await part("200 fires a second", () => steady(once, 3));
  await part("200 fires over a minute", () => idle(once, 200));
  await part("Run now", () => runsNow(once, 200));
  // Only if there is time for it: `npm run bench` has three minutes.
  const besides = full || peers.length > 0 ? [signedFloor] : [];
  // The default number of calls at a time of a job, and the highest.
  await part("Fan-out, 50 calls at a time", () => fanOuts({ ...bench, rounds: few }, 50, besides));
  if (full) await part("Fan-out, 200 calls at a time", () => fanOuts({ ...bench, rounds: few }, 200, besides));
  let costs: Costs | undefined;
  await part("What is billed, and the list", () =>
    lists(full ? once : { ...once, systems: own.slice(0, 2) }, 100, async () => {
      costs ??= await measureCosts(peers.includes(agentsSdk));
    }),
  );
  await sink.stop();

  for (const { name } of all) {
    for (const jobs of [1_000, 5_000]) {
      const wrong = results.values(named.notOnce(jobs), name).filter((count) => count > 0);
      if (wrong.length > 0) failures.push(`${name}: ${wrong.join(", ")} of ${jobs} jobs were not fired exactly once`);
    }
  }
  if (costs === undefined) return failures;
  const head = [
    `\`${command}\` on ${new Date().toISOString().slice(0, 10)}, ${(seconds() / 60).toFixed(1)} minutes. The median of several runs is in **bold**, their spread beside`,
    "it; what is not bold was run once. The systems took turns, and a ratio is the median of the ratios of runs side by side. What is",
    "compared, and what limits what: [docs/performance.md](../docs/performance.md).",
    "",
    ...[...describeMachine(), ...(peers.length > 0 ? describePeers() : [])].map((line) => `- ${line}`),
    ...failures.map((failure) => `- **Failed:** ${failure}`),
  ];
  const text = report(results, costs, head);
  writeFileSync(out, text);
  console.log(`\n${text}\nWritten to ${out} after ${seconds()} s`);
  return failures;
}

/** All counts, taken at the same time. Only the awake time of an object is timed, in ms compared with tens of ms. */
async function measureCosts(withAgentsSdk: boolean): Promise<Costs> {
  const folders: string[] = [];
  const folder = async (): Promise<string> => {
    const made = await newFolder(MEDIA.at(-1) ?? "disk");
    folders.push(made);
    return made;
  };
  const simple = async (name: string, start: (dataDir: string, url: string) => Promise<Counted>) => {
    const sink = await startSink();
    const server = await start(await folder(), sink.url("/ok"));
    try {
      return { name, ...(await simpleCosts(server, sink)) };
    } finally {
      await server.stop();
      await sink.stop();
    }
  };
  const floor = () =>
    simple("Floor", (dataDir, url) => countedWorker("counted-floor.ts", "FloorJob", [], dataDir, url));
  const agents = () =>
    simple("Agents SDK", (dataDir, url) =>
      countedWorker("counted-agents-sdk.ts", "WakingAgent", ["nodejs_compat"], dataDir, url),
    );
  try {
    const [reveille, ...others] = await Promise.all([
      reveilleCosts(folder),
      floor(),
      ...(withAgentsSdk ? [agents()] : []),
    ]);
    return { reveille, others };
  } finally {
    for (const made of folders) await removeFolder(made);
  }
}
