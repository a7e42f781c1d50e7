/** The spend of a job today and in total, against its budget. */
import type { Job } from "../../api/jobs.ts";
import { costOf, dollars } from "../../money.ts";
import { ProgressBar } from "../../parts/progress.tsx";

type Limit = { readonly name: string; readonly spent: number; readonly limit: number; readonly words: string };

export function Spending({ job }: { readonly job: Job }) {
  const { today, total } = job.spent;
  const limits = limitsOf(job);
  if (limits.length === 0 && total.usd === 0 && total.tokens === 0) return null;
  return (
    <section class="card" aria-labelledby="spending-title">
      <h2 id="spending-title">Spending</h2>
      <dl class="facts">
        <div>
          <dt>Today</dt>
          <dd>
            {today.runs === 1 ? "1 run" : `${today.runs.toLocaleString("en")} runs`} · {costOf(today.usd, today.tokens)}
          </dd>
        </div>
        <div>
          <dt>In all</dt>
          <dd>
            {total.runs === 1 ? "1 run" : `${total.runs.toLocaleString("en")} runs`} · {costOf(total.usd, total.tokens)}
          </dd>
        </div>
      </dl>
      {limits.map(({ name, spent, limit, words }) => (
        <div key={name} class={spent >= limit ? "spending is-error" : "spending"}>
          <p>
            {name}: {words}
          </p>
          <ProgressBar
            label={name}
            total={limit}
            parts={[
              { name: "spent", class: spent >= limit ? "is-error" : "is-success", count: Math.min(spent, limit) },
            ]}
          />
        </div>
      ))}
    </section>
  );
}

function limitsOf({ budget = {}, spent: { today, total } }: Job): readonly Limit[] {
  const { runs_per_day: runs, usd_per_day: usd, tokens_per_day: tokens, usd_total: all } = budget;
  const count = (name: string, spent: number, limit: number | undefined): readonly Limit[] =>
    limit === undefined
      ? []
      : [{ name, spent, limit, words: `${spent.toLocaleString("en")} of ${limit.toLocaleString("en")}` }];
  const money = (name: string, spent: number, limit: number | undefined): readonly Limit[] =>
    limit === undefined ? [] : [{ name, spent, limit, words: `${dollars(spent)} of ${dollars(limit)}` }];
  return [
    ...count("Runs today", today.runs, runs),
    ...money("Dollars today", today.usd, usd),
    ...count("Tokens today", today.tokens, tokens),
    ...money("Dollars in all", total.usd, all),
  ];
}
