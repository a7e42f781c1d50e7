/** Sums of the forecasts of several jobs. They have their own file because the dashboard sums pages too. */
import type { DayForecast, JobForecast } from "../../schema/forecast.ts";
import { compact } from "../compact.ts";

/** The days of several jobs, summed. */
export function sumForecasts(forecasts: readonly Pick<JobForecast, "days">[]): readonly DayForecast[] {
  const byDay = new Map<string, DayForecast>();
  for (const more of forecasts.flatMap(({ days }) => days)) {
    const sum = byDay.get(more.day) ?? { day: more.day, fires: 0, runs: 0 };
    byDay.set(more.day, {
      day: more.day,
      fires: sum.fires + more.fires,
      runs: sum.runs + more.runs,
      ...compact({ usd: plus(sum.usd, more.usd, money), tokens: plus(sum.tokens, more.tokens) }),
    });
  }
  return [...byDay.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

const plus = (a: number | undefined, b: number | undefined, round = (value: number) => value): number | undefined =>
  a === undefined ? b : round(a + (b ?? 0));

/** Dollars to the millionth. */
export const money = (usd: number): number => Math.round(usd * 1e6) / 1e6;
