/** The cost of the log's runs as bars, day by day: dollars, or tokens if no run has reported dollars. */
import type { Job, Run } from "../../api/jobs.ts";
import { costOf, dollars, roundedUsd } from "../../money.ts";
import { shortDay } from "../../time/format.ts";
import { Bars } from "../forecast/bars.tsx";
import { costByDay } from "./cost-by-day.ts";

export function CostByDay({ job, runs }: { readonly job: Job; readonly runs: readonly Run[] }) {
  const days = costByDay(job, runs);
  if (days.length === 0) return null;
  const isMoney = days.some(({ usd }) => usd > 0);
  const name = isMoney ? "Cost by day" : "Tokens by day";
  const { usd_per_day: dollarLimit, tokens_per_day: tokenLimit } = job.budget ?? {};
  const limit = isMoney ? dollarLimit : tokenLimit;
  const inWords = (value: number): string => (isMoney ? dollars(value) : value.toLocaleString("en"));
  return (
    <section class="cost-by-day" aria-label={name}>
      <h3>
        {name}
        {limit === undefined ? "" : `, of ${inWords(limit)}`}
      </h3>
      <Bars
        name={name}
        height={84}
        items={days.map(({ at, usd, tokens, count }) => {
          const value = isMoney ? usd : tokens;
          const day = shortDay(at, "UTC");
          return {
            key: at,
            value,
            shown: inWords(isMoney ? roundedUsd(value) : value),
            label: day,
            words: `${day}: ${costOf(usd, tokens)}, ${count === 1 ? "1 run" : `${count} runs`}`,
            isHot: limit !== undefined && value >= limit,
          };
        })}
      />
    </section>
  );
}
