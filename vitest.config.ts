/**
 * Four projects, one `npm test`: the pure rules in Node, the tests that need Durable Objects, the whole service started as a
 * process, and the dashboard in a browser. Rules that depend on the JavaScript engine run a second time, in workerd.
 * `TEST_SIZE=long` (`npm run test:long`) runs them over more of everything: test/size.ts.
 */
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { chromiumPath } from "./test/browser/chromium-path.ts";
import { scriptedAgent } from "./test/worker/scripted-agent.ts";
import { scriptedChat } from "./test/worker/scripted-chat.ts";

/** The tests run after `npm ci` on any machine; `.ci/run` sees to it that the browser's are among them. */
const hasChromium = chromiumPath() !== undefined;
if (!hasChromium) {
  process.stderr.write(
    "Chromium is not installed, so the dashboard's stories are left out: apt-get install -y chromium\n",
  );
}

/** What a deployment sets; the agent is `test/worker/scripted-agent.ts`. */
const bindings = {
  ADMIN_TOKEN: "admin-token-of-the-tests-in-workerd",
  TOKEN_SECRET: "token-secret-of-the-tests-in-workerd",
  AGENT_URL: "https://agent.test/hook",
  AGENT_SECRET: "whsec_dGhlIHNlY3JldCBvZiB0aGUgYWdlbnQgaW4gdGVzdHM=",
  PUBLIC_URL: "https://reveille.test",
  CHAT_URL: "https://chat.test/",
  CHAT_SECRET: "whsec_dGhlIHNlY3JldCBvZiB0aGUgY2hhdCBpbiB0ZXN0cy4=",
  // As docs/operations.md has it for Workers Paid, where rows are billed; tests of the limit give their own.
  CALLS_PER_WAKE: "1000",
};

/** Where the Worker's calls go: by host, to the script that plays it. */
const outboundService = (request: Parameters<typeof scriptedAgent>[0] & Parameters<typeof scriptedChat>[0]) =>
  ["chat.test", "notify.test"].includes(new URL(request.url).host) ? scriptedChat(request) : scriptedAgent(request);

/** Rules on time zones, text encodings, hashes and streams, which two JavaScript engines can answer differently. */
const engineDependent = [
  "test/unit/domain/time/**/*.test.ts",
  "test/unit/domain/text/**/*.test.ts",
  "test/unit/domain/run/{run-id,session}.test.ts",
  "test/unit/outbound/**/*.test.ts",
  "test/unit/agent/**/*.test.ts",
  "test/unit/heartbeat/**/*.test.ts",
  "test/unit/agent-kit/**/*.test.ts",
];

/** The package by its own name: its sources, as tsconfig.json has it; `npm run build` makes what `exports` names. */
const alias = [
  { find: "reveille/client", replacement: `${import.meta.dirname}/src/client/client.ts` },
  { find: "reveille/agent", replacement: `${import.meta.dirname}/src/agent-kit/agent-kit.ts` },
];

/**
 * Files at a time. Those of the first group wait for alarms, and those of the second for services, pages and schedules, most of the
 * time. On two busy cores the two groups took 142 s and 233 s with three and four files, 106 s and 210 s with four and six.
 */
const CORES = availableParallelism();
const IN_PROCESS = 2 * CORES;
const WITH_SERVICES = 3 * CORES;

/** Each file runs a service and opens tabs of its worker's browser: beside the system's files, under the same limit. */
const browser = hasChromium
  ? [
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          setupFiles: ["test/system/setup.ts", "test/browser/setup.ts"],
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: WITH_SERVICES,
          sequence: { groupOrder: 1 },
        },
      },
    ]
  : [];

/** The rate limits of wrangler.toml are tested on a service as a process; here one token makes the calls of many files. */
const wide = Object.fromEntries(
  ["CALL_LIMIT", "FAILURE_LIMIT"].map((name) => [
    name,
    { namespace_id: name, simple: { limit: 1_000_000, period: 60 } } as const,
  ]),
);

/** Tests in workerd. The files that a worker of Vitest runs share one, which takes longer to start than most files take to run. */
const inWorkerd = () =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: { bindings, outboundService, ratelimits: wide },
  });

export default defineConfig({
  test: {
    maxWorkers: IN_PROCESS,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        plugins: [inWorkerd()],
        // Wide limits: what is slow here is a busy machine, and no test waits for a clock.
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts", ...engineDependent],
          setupFiles: ["test/worker/empty-storage.ts"],
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      ...browser,
      {
        // Services as processes, timed by the clock: not beside the pure rules and workerd.
        resolve: { alias },
        test: {
          name: "system",
          include: ["test/system/**/*.test.ts"],
          setupFiles: ["test/system/setup.ts"],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: WITH_SERVICES,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
