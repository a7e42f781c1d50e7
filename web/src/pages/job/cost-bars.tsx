/** The cost of the log's runs, drawn day by day. */
import type { Job, Run } from "../../api/jobs.ts";
import { costOf, dollars } from "../../money.ts";
import { shortDay } from "../../time/format.ts";
import { Bars } from "../forecast/bars.tsx";
import { costByDay } from "./cost-by-day.ts";

export function CostByDay({ job, runs }: { readonly job: Job; readonly runs: readonly Run[] }) {
  const days = costByDay(job, runs);
  if (days.length === 0) return null;
  const limit = job.budget?.usd_per_day;
  return (
    <section class="cost-by-day" aria-label="Cost by day">
      <h3>Cost by day{limit === undefined ? "" : `, of ${dollars(limit)}`}</h3>
      <Bars
        name="Cost by day"
        height={84}
        items={days.map(({ at, usd, tokens, count }) => ({
          key: at,
          value: usd,
          shown: dollars(usd),
          label: shortDay(at, "UTC"),
          words: `${shortDay(at, "UTC")}: ${costOf(usd, tokens)}, ${count === 1 ? "1 run" : `${count} runs`}`,
          isHot: limit !== undefined && usd >= limit,
        }))}
      />
    </section>
  );
}
