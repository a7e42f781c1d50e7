/** Names of measures and of media in the report. */
import type { Medium } from "./systems/system.ts";

const MEDIUM_NAMES: Readonly<Record<Medium, string>> = { disk: "on disk", ram: "on a RAM disk" };

/** The time between two fires of an otherwise idle system. */
export const IDLE_GAP_S = 0.3;

export const named = {
  creates: (medium: Medium) => `creates over HTTP, ${MEDIUM_NAMES[medium]}`,
  createP50: (medium: Medium) => `create p50, ${MEDIUM_NAMES[medium]}`,
  createP99: (medium: Medium) => `create p99, ${MEDIUM_NAMES[medium]}`,
  bytes: "bytes on disk per job",
  first: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, first, ${MEDIUM_NAMES[medium]}`,
  burstP50: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, p50, ${MEDIUM_NAMES[medium]}`,
  burstP99: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, p99, ${MEDIUM_NAMES[medium]}`,
  burstRate: (jobs: number, medium: Medium) =>
    `${jobs.toLocaleString("en")} at one instant, fires, ${MEDIUM_NAMES[medium]}`,
  notOnce: (jobs: number) => `${jobs.toLocaleString("en")} at one instant, jobs not fired exactly once`,
  idleP50: (jobs: number) => `idle lag p50, ${jobs} fires over ${jobs * IDLE_GAP_S} s`,
  idleP99: (jobs: number) => `idle lag p99, ${jobs} fires over ${jobs * IDLE_GAP_S} s`,
  steadyP50: "lag p50 at 200 fires/s",
  steadyP99: "lag p99 at 200 fires/s",
  runNowP50: "run now until the agent is called, p50",
  runNowP99: "run now until the agent is called, p99",
  claimP50: "offered until an agent without an address has it, p50",
  claimP99: "offered until an agent without an address has it, p99",
  listNewestP99: "list of the newest 50 among 10,000, p99",
  listWalkP50: "walk through 10,000 in pages of 50, a page, p50",
  listWalkP99: "walk through 10,000 in pages of 50, a page, p99",
  fanOut: (concurrency: number) => `fan-out of 10,000 users, ${concurrency} calls at a time`,
} as const;
