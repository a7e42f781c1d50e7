/** The Cron Trigger on this machine. It calls the runtime's own trigger at each due minute, since nothing else does. */
import { setTimeout as sleep } from "node:timers/promises";
import { Cron } from "croner";

const MINUTE_MS = 60_000;

/**
 * Fires each of `crons` (UTC) on the Worker at `url` from now on, never two of one at a time. The returned function stops
 * it.
 */
export function startCron(url: string, crons: readonly string[]): () => void {
  const timers = crons.map(
    (cron) =>
      new Cron(cron, { timezone: "UTC", protect: true, unref: true }, async (timer) => {
        const scheduledAt = wholeMinute(timer.currentRun() ?? new Date());
        report(scheduledAt, await fire(url, cron, scheduledAt));
      }),
  );
  return () => {
    for (const timer of timers) timer.stop();
  };
}

/** The time that a start waits for its first tick. A longer tick continues in the background. */
const FIRST_TICK_MS = 1_000;

/**
 * Fires each of `crons` once, for the present minute. So fires that came due while nothing ran need not wait for the next
 * minute.
 */
export async function fireAtStart(url: string, crons: readonly string[]): Promise<void> {
  const scheduledAt = wholeMinute(new Date());
  const fired = crons.map(async (cron) => report(scheduledAt, await fire(url, cron, scheduledAt)));
  await Promise.race([Promise.all(fired), sleep(FIRST_TICK_MS, undefined, { ref: false })]);
}

function report(scheduledAt: number, problem: string | undefined): void {
  if (problem === undefined) return;
  console.error(`cron: the tick of ${new Date(scheduledAt).toISOString()} failed: ${problem}`);
}

/** The minute of a date. Cloudflare also gives the Worker the minute that was due, and not the moment of the call. */
const wholeMinute = (date: Date): number => Math.floor(date.getTime() / MINUTE_MS) * MINUTE_MS;

async function fire(url: string, cron: string, scheduledAt: number): Promise<string | undefined> {
  const query = new URLSearchParams({ cron, time: String(scheduledAt) });
  try {
    const response = await fetch(`${url}/cdn-cgi/local/scheduled?${query}`);
    const text = await response.text();
    return response.ok ? undefined : firstLine(text);
  } catch (error) {
    return error instanceof Error ? firstLine(error.message) : String(error);
  }
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text;
