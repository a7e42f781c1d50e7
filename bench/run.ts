/**
 * `npm run bench`: Reveille and the floor, in under three minutes. `npm run bench:peers`: everything side by side. Both print what they
 * measure and write RESULTS.md. Nothing fails for being slow; a job that fires twice or not at all does fail the run.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ROOT } from "./build.ts";
import { MEDIA, newFolder, removeFolder } from "./folders.ts";
import { describeMachine, describePeers } from "./machine.ts";
import { type Counted, countedWorker, reveilleCosts, simpleCosts } from "./measures/cost.ts";
import { burst, fanOuts, idle, named, ownCalls, steady } from "./plan.ts";
import { type Costs, report } from "./report.ts";
import { Results } from "./results.ts";
import { type Sink, startSink } from "./sink.ts";
import { agentsSdk } from "./systems/agents-sdk.ts";
import { floor } from "./systems/floor.ts";
import { bullmq, missingPrograms, pgBoss } from "./systems/queues.ts";
import { reveille } from "./systems/reveille.ts";
import type { System } from "./systems/system.ts";

const { values: options } = parseArgs({
  options: { peers: { type: "boolean", default: false }, rounds: { type: "string" }, out: { type: "string" } },
});
const withPeers = options.peers;
const missing = withPeers ? missingPrograms() : [];
if (missing.length > 0) {
  console.error(`Not installed: ${missing.join(", ")}. On Debian: apt-get install redis-server postgresql`);
  process.exit(1);
}
const rounds = Number(options.rounds ?? (withPeers ? 3 : 2));
const startedAt = Date.now();
const results = new Results();
const sink = await startSink();

const own: readonly System[] = withPeers
  ? [floor("workerd"), reveille("workerd"), floor("miniflare"), reveille("miniflare")]
  : [floor("miniflare"), reveille("miniflare")];
const peers: readonly System[] = withPeers ? [agentsSdk, bullmq, pgBoss] : [];

const heading = (title: string): void => {
  console.log(`\n${title} (after ${Math.round((Date.now() - startedAt) / 1_000)} s)`);
};

const failures: string[] = [];
/** A part that fails is said and left out; the others still count. */
async function part(title: string, measure: () => Promise<void>): Promise<void> {
  heading(title);
  try {
    await measure();
  } catch (error) {
    failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
    console.error(error);
  }
}

for (const medium of MEDIA) {
  const systems = medium === "disk" ? [...own, ...peers] : [...own, ...peers.slice(0, 1)];
  await part(`Creates, and 1,000 at one instant: ${medium}`, () =>
    burst(results, sink, systems, { jobs: 1_000, rounds, medium, reportCreates: true }),
  );
}
await part("5,000 at one instant", () =>
  burst(results, sink, own, { jobs: 5_000, rounds: 1, medium: MEDIA.at(-1) ?? "disk", reportCreates: false }),
);
await part("200 fires a second", () => steady(results, sink, [...own, ...peers], withPeers ? 2 : 1));
await part("200 fires over a minute", () => idle(results, startSink, [...own, ...peers]));
await part("Run now, and the list", () => ownCalls(results, sink));
await part("Fan-out", () => fanOuts(results, sink, rounds, withPeers ? bullmq : undefined));
let costs: Costs | undefined;
await part("What is billed", async () => {
  costs = await measureCosts(sink);
});
await sink.stop();

for (const system of [...own, ...peers]) {
  for (const jobs of [1_000, 5_000]) {
    const wrong = results.values(named.notOnce(jobs), system.name).filter((count) => count > 0);
    if (wrong.length > 0)
      failures.push(`${system.name}: ${wrong.join(", ")} of ${jobs} jobs were not fired exactly once`);
  }
}
if (costs !== undefined) {
  const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
  const head = [
    `\`npm run ${withPeers ? "bench:peers" : "bench"}\` on ${new Date().toISOString().slice(0, 10)}, ${minutes} minutes. Median of ${rounds} runs in **bold**, their spread beside it;`,
    "in every run the systems took turns. What is compared, and what limits what: [docs/performance.md](../docs/performance.md).",
    "",
    ...[...describeMachine(), ...(withPeers ? describePeers() : [])].map((line) => `- ${line}`),
    ...failures.map((failure) => `- **Failed:** ${failure}`),
  ];
  const path = options.out ?? `${ROOT}/bench/RESULTS.md`;
  const text = report(results, costs, head);
  writeFileSync(path, text);
  console.log(`\n${text}\nWritten to ${path}`);
}
for (const failure of failures) console.error(failure);
process.exit(failures.length > 0 ? 1 : 0);

async function measureCosts(sink: Sink): Promise<Costs> {
  const folders: string[] = [];
  const folder = async (): Promise<string> => {
    const made = await newFolder(MEDIA.at(-1) ?? "disk");
    folders.push(made);
    return made;
  };
  const simple = async (name: string, server: Counted) => {
    try {
      return { name, ...(await simpleCosts(server, sink)) };
    } finally {
      await server.stop();
    }
  };
  try {
    const url = sink.url("/ok");
    const others = [
      await simple("Floor", await countedWorker("counted-floor.ts", "FloorJob", [], await folder(), url)),
    ];
    if (withPeers) {
      const flags = ["nodejs_compat"];
      const agents = await countedWorker("counted-agents-sdk.ts", "WakingAgent", flags, await folder(), url);
      others.push(await simple("Agents SDK", agents));
    }
    return { reveille: await reveilleCosts(sink, folder), others };
  } finally {
    for (const made of folders) await removeFolder(made);
  }
}
