/**
 * `npm run bench`: Reveille and the floor, in under three minutes. `npm run bench:peers`: everything side by side. `--help` says the
 * rest. Slowness does not fail the run, but a job that fires twice or not at all does.
 */
import { parseArgs } from "node:util";
import { ROOT } from "./build.ts";
import { MEASURES, only } from "./only.ts";
import { Results } from "./results.ts";
import { startSink } from "./sink.ts";
import { suite } from "./suite.ts";
import { agentsSdk } from "./systems/agents-sdk.ts";
import { floor } from "./systems/floor.ts";
import { bullmq, missingPrograms, pgBoss } from "./systems/queues.ts";
import { reveille } from "./systems/reveille.ts";
import type { System } from "./systems/system.ts";
import type { Mode } from "./systems/worker.ts";

const HELP = `npm run bench                      Reveille and the floor, under 3 minutes; writes bench/RESULTS.md
npm run bench -- --full            also as npm start has it, more runs, 5,000 jobs at one instant
npm run bench:peers                beside the Agents SDK, BullMQ and pg-boss, under 10 minutes (apt-get install redis-server postgresql)
npm run bench:peers -- --full      all of it
npm run bench -- --only <measure>  one measure in a bare workerd, printed and not written

  --only      ${Object.keys(MEASURES).join(", ")}
  --size      of the measure:
${Object.entries(MEASURES)
  .map(([name, { what, size }]) => `              ${name.padEnd(13)} ${String(size).padStart(5)} ${what}`)
  .join("\n")}
  --mode      with --only: workerd (as it is), miniflare (as npm start has it), or both
  --rounds    how often each is run, the systems taking turns
  --out       another file than bench/RESULTS.md
  BENCH_DISK  in the environment: a folder on the disk to measure, instead of the one for temporary files
`;

const { values: options } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    only: { type: "string" },
    size: { type: "string" },
    mode: { type: "string", default: "workerd" },
    rounds: { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

const missing = options.peers ? missingPrograms() : [];
if (missing.length > 0)
  fail(`Not installed: ${missing.join(", ")}. On Debian: apt-get install redis-server postgresql`);
const rounds = options.rounds === undefined ? undefined : count("--rounds", options.rounds);

const pair = (mode: Mode): readonly System[] => [floor(mode), reveille(mode)];
const peers = options.peers ? [agentsSdk, bullmq, pgBoss] : [];

if (options.only === undefined) {
  const failures = await suite({
    command: `npm run bench${options.peers ? ":peers" : ""}${options.full ? " -- --full" : ""}`,
    full: options.full,
    rounds: rounds ?? 3,
    own: [...pair("workerd"), ...(options.full || options.peers ? pair("miniflare") : [])],
    peers,
    out: options.out ?? `${ROOT}/bench/RESULTS.md`,
  });
  for (const failure of failures) console.error(failure);
  process.exit(failures.length > 0 ? 1 : 0);
}

const measure = MEASURES[options.only];
if (measure === undefined) fail(`--only ${options.only} is not one of ${Object.keys(MEASURES).join(", ")}`);
if (!["workerd", "miniflare", "both"].includes(options.mode)) fail("--mode is workerd, miniflare or both");
const systems = (["workerd", "miniflare"] as const).flatMap((mode) =>
  options.mode === mode || options.mode === "both" ? pair(mode) : [],
);
const size = options.size === undefined ? measure.size : count("--size", options.size);
const startedAt = Date.now();
const sink = await startSink();
const results = new Results();
const bench = { results, sink, systems: [...systems, ...peers], rounds: rounds ?? measure.rounds };
console.log(`\n${await only(options.only, measure, results, bench, size)}`);
console.log(`\nTook ${Math.round((Date.now() - startedAt) / 1_000)} s`);
await sink.stop();
process.exit(0);

function count(name: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : fail(`${name} is a whole number from 1, not ${text}`);
}

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}
