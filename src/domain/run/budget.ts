/**
 * The spend of a job, and whether its budget is used up (docs/contract.md §16). A day is a calendar day of the schedule's
 * zone. Pure.
 */
import type { Budget } from "../../schema/control.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import { formatInstant, formatLocal } from "../time/instant.ts";
import { findZone } from "../time/zone.ts";

/** The number of runs begun, and the cost that they have reported. */
export type Spend = { readonly runs: number; readonly usd: number; readonly tokens: number };

/** `today` is the spend on `day` (`2026-11-28`), the last day on which anything was spent. */
export type Spent = { readonly day: string; readonly today: Spend; readonly total: Spend };

export type BudgetLimit = keyof Budget;

export const NO_SPEND: Spend = { runs: 0, usd: 0, tokens: 0 };

const CRON_ZONE = /^(?:CRON_)?TZ=(\S+)\s/;

/** The zone whose calendar days a budget counts by: the schedule's, else UTC. */
export function budgetZone({ timezone, cron }: Pick<ScheduleSpec, "timezone" | "cron">): string {
  const name = timezone ?? CRON_ZONE.exec(cron ?? "")?.[1];
  const zone = name === undefined ? undefined : findZone(name);
  return zone?.ok ? zone.value : "UTC";
}

/** The calendar day at `at` (epoch ms) in the {@link budgetZone}. */
export function dayOf(schedule: Pick<ScheduleSpec, "timezone" | "cron">, at: number): string {
  const zone = budgetZone(schedule);
  return (zone === "UTC" ? formatInstant(at) : formatLocal(at, zone)).slice(0, 10);
}

/** The spend as of `day`. A new day begins with nothing. */
export function spentOn(spent: Spent | undefined, day: string): Spent {
  if (spent === undefined) return { day, today: NO_SPEND, total: NO_SPEND };
  return spent.day < day ? { ...spent, day, today: NO_SPEND } : spent;
}

/** Adds the spend on `day`. If that day is over, it counts only towards the total. */
export function addSpend(before: Spent | undefined, more: Partial<Spend>, day: string): Spent {
  const spent = spentOn(before, day);
  return { ...spent, today: day < spent.day ? spent.today : sum(spent.today, more), total: sum(spent.total, more) };
}

/** The spend on the day of `after` since `before`. */
export function spentSince(before: Spent | undefined, after: Spent): { readonly day: string; readonly spend: Spend } {
  const { day, today } = after;
  const had = before?.day === day ? before.today : NO_SPEND;
  return {
    day,
    spend: { runs: today.runs - had.runs, usd: today.usd - had.usd, tokens: today.tokens - had.tokens },
  };
}

/**
 * Adds two spends. Dollars are rounded to the billionth, so ten times 0.1 is 1. A sum stops at the largest whole number
 * that JSON readers accept.
 */
const sum = (a: Spend, b: Partial<Spend>): Spend => ({
  runs: a.runs + (b.runs ?? 0),
  usd: Math.round(Math.min(a.usd + (b.usd ?? 0), Number.MAX_SAFE_INTEGER) * 1e9) / 1e9,
  tokens: Math.min(a.tokens + (b.tokens ?? 0), Number.MAX_SAFE_INTEGER),
});

const SPENT_OF: Readonly<Record<BudgetLimit, (spent: Spent) => number>> = {
  runs_per_day: ({ today }) => today.runs,
  usd_per_day: ({ today }) => today.usd,
  tokens_per_day: ({ today }) => today.tokens,
  usd_total: ({ total }) => total.usd,
};
const LIMITS: readonly BudgetLimit[] = ["runs_per_day", "usd_per_day", "tokens_per_day", "usd_total"];

/** A limit of the budget that is used up. */
export type UsedUp = { readonly limit: BudgetLimit; readonly most: number; readonly spent: number };

/** The limits that are used up on `day`. */
export function usedUp(budget: Budget | undefined, spent: Spent | undefined, day: string): readonly UsedUp[] {
  if (budget === undefined) return [];
  const today = spentOn(spent, day);
  return LIMITS.flatMap((limit) => {
    const most = budget[limit];
    const used = SPENT_OF[limit](today);
    return most !== undefined && used >= most ? [{ limit, most, spent: used }] : [];
  });
}

/** A budget and the spend so far. */
export type Account = { readonly budget: Budget | undefined; readonly spent: Spent | undefined };

/** The limits that are used up on `day` and were not before, for the event `budget.reached`. */
export function newlyUsedUp(before: Account, after: Account, day: string): readonly UsedUp[] {
  const known = new Set(usedUp(before.budget, before.spent, day).map(({ limit }) => limit));
  return usedUp(after.budget, after.spent, day).filter(({ limit }) => !known.has(limit));
}

/** The text of a skipped run, or of a refused call. */
export const explainUsedUp = ({ limit, most, spent }: UsedUp): string =>
  `budget: ${limit} ${most} is used up (${spent} spent)`;
