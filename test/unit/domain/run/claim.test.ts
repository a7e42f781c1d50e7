/** A run in a mailbox (docs/contract.md §14): offered, claimed under a lease, given back, and its ends. */
import { describe, expect, it } from "vitest";
import { claimRun, isClaimable, isReleasable, releaseRun } from "../../../../src/domain/run/claim.ts";
import {
  beginAttempt,
  completeRun,
  progressRun,
  type Run,
  type RunRules,
  settleAttempt,
  settleOverdue,
  startRun,
} from "../../../../src/domain/run/run.ts";
import { runView } from "../../../../src/domain/run/run-view.ts";

const NOW = Date.UTC(2026, 10, 28, 9, 0, 0);
const MINUTE_MS = 60_000;
const RULES: RunRules = {
  retry: { maxAttempts: 2, minBackoffMs: 5_000, maxBackoffMs: 5_000 },
  completionTimeoutMs: 60 * MINUTE_MS,
  claimTimeoutMs: 24 * 60 * MINUTE_MS,
};
const LEASE = { ms: MINUTE_MS, bySocket: false, agentId: "a", offeredAt: NOW };

const called = beginAttempt(startRun({ id: "j-s1", seq: 1, sessionId: "s", trigger: "schedule", dueAt: NOW }, NOW));
const offered = settleAttempt(called, { kind: "offered", offeredAt: NOW, agentId: "a" }, RULES, NOW, 0);
const claimed = claimRun(offered, LEASE, RULES, NOW + 1_000);

describe("an offered run", () => {
  it("is running, and shows since when it is offered", () => {
    expect(runView("j", offered)).toMatchObject({ status: "running", offered_at: "2026-11-28T09:00:00.000Z" });
    expect(offered.wakeAt).toBe(NOW + RULES.claimTimeoutMs);
  });

  it("that nobody claims in time is an error without a retry", () => {
    const ended = settleOverdue(offered, RULES, NOW + RULES.claimTimeoutMs, 0);
    expect(ended).toMatchObject({ status: "error", phase: "ended", error: "not claimed within 24h", attempt: 1 });
  });

  it("may be completed unclaimed", () => {
    expect(completeRun(offered, { status: "success" }, NOW)).toMatchObject({ status: "success", phase: "ended" });
  });

  it("may be claimed before the answer to its offer has come back, and is offered since then all the same", () => {
    expect(claimRun(called, LEASE, RULES, NOW + 20)).toMatchObject({ phase: "waiting", offeredAt: NOW });
  });

  it("is not claimed before it was offered, even if the clock is set back", () => {
    expect(claimRun(called, LEASE, RULES, NOW - 20)).toMatchObject({ offeredAt: NOW - 20, claim: { at: NOW - 20 } });
  });
});

describe("an agent", () => {
  it.each([
    { run: "offered to it", of: offered, agent: "a", called: "a", may: true },
    { run: "offered to it before its job named another", of: offered, agent: "a", called: "b", may: true },
    { run: "offered to another", of: offered, agent: "b", called: "b", may: false },
    { run: "being offered to it", of: called, agent: "a", called: "a", may: true },
    { run: "being delivered to another", of: called, agent: "a", called: "b", may: false },
    { run: "being delivered to the default agent's URL", of: called, agent: "a", called: undefined, may: false },
    { run: "claimed", of: claimed, agent: "a", called: "a", may: false },
  ])("may claim a run that is $run: $may", ({ of, agent, called: calledId, may }) => {
    expect(isClaimable(of, agent, calledId)).toBe(may);
  });
});

describe("a claimed run", () => {
  it("shows its claim and its lease, and waits for the earlier of lease and completion", () => {
    expect(runView("j", claimed)).toMatchObject({
      claimed_at: "2026-11-28T09:00:01.000Z",
      lease_expires_at: "2026-11-28T09:01:01.000Z",
      completion_due_at: "2026-11-28T10:00:01.000Z",
    });
    expect(claimed.wakeAt).toBe(NOW + 1_000 + LEASE.ms);
    const short = claimRun(offered, LEASE, { ...RULES, completionTimeoutMs: 5_000 }, NOW);
    expect(short.wakeAt).toBe(NOW + 5_000);
    expect(settleOverdue(short, RULES, NOW + 5_000, 0)).toMatchObject({ status: "error", error: "timed out" });
  });

  it("has its lease and its completion_timeout renewed by progress", () => {
    const later = progressRun(claimed, { percent: 50 }, RULES, NOW + 30_000);
    expect(later).toMatchObject({ wakeAt: NOW + 30_000 + LEASE.ms, progress: { percent: 50 } });
    expect(later.claim?.completeBy).toBe(NOW + 30_000 + RULES.completionTimeoutMs);
  });

  it("whose lease runs out is an interrupted attempt: again after the backoff, until max_attempts", () => {
    const at = NOW + 1_000 + LEASE.ms;
    const again = settleOverdue(claimed, RULES, at, 0);
    expect(again).toMatchObject({ phase: "pending", attempt: 2, wakeAt: at + 5_000, status: "running" });
    expect(runView("j", again)).not.toHaveProperty("claimed_at");
    const twice = settleAttempt(beginAttempt(again), { kind: "offered", offeredAt: at, agentId: "a" }, RULES, at, 0);
    const last = settleOverdue(claimRun(twice, LEASE, RULES, at), RULES, at + LEASE.ms, 0);
    expect(last).toMatchObject({ status: "error", attempt: 2 });
    expect(last.error).toMatch(/^interrupted: /);
  });

  it("that is given back is offered again at once, which does not count as an attempt", () => {
    const released: Run = releaseRun(claimed, NOW + 2_000);
    expect(released).toMatchObject({ phase: "pending", attempt: 1, wakeAt: NOW + 2_000 });
    expect(isReleasable(claimed, "agent", NOW + 1_000)).toBe(true);
    expect(isReleasable(claimed, "agent", NOW + 999)).toBe(false);
    expect(runView("j", released)).not.toHaveProperty("offered_at");
  });
});
