/** The first page: problems, recent failures and the next fires. It is read again every few seconds while it is visible. */
import { getStats, type Stats } from "../../api/operator.ts";
import { now, useEverySeen } from "../../clock.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { link } from "../../route.ts";
import { caller, isOperator } from "../../session.ts";
import { ago, msOf } from "../../time/format.ts";
import { FailedLately } from "./failed-lately.tsx";
import { NeedsAttention } from "./needs-attention.tsx";
import { NowAndNext } from "./now-and-next.tsx";

const REFRESH_MS = 10_000;
/** The age of a late tick. The Cron Trigger comes every minute, and three minutes without one are a fault. */
const LATE_TICK_MS = 3 * 60_000;

export function OverviewPage() {
  return (
    <>
      <h1>Overview</h1>
      {isOperator.value || caller.value?.role === "viewer" ? <Numbers /> : null}
      <NeedsAttention />
      <FailedLately />
      <NowAndNext />
    </>
  );
}

function Numbers() {
  const stats = useResource("stats", getStats);
  useEverySeen(REFRESH_MS, stats.reload);
  if (stats.value === undefined) return <ProblemBox problem={stats.problem} onRetry={stats.reload} />;
  return (
    <>
      <Warnings stats={stats.value} />
      <dl class="numbers">
        <Figure name="Active" value={stats.value.jobs.by_state.active} to={`${link("jobs")}?state=active`} />
        <Figure name="Paused" value={stats.value.jobs.by_state.paused} to={`${link("jobs")}?state=paused`} />
        <Figure name="Finished" value={stats.value.jobs.by_state.finished} to={`${link("jobs")}?state=finished`} />
        <Figure name="Active users" value={stats.value.users.active} to={`${link("users")}?active=true`} />
      </dl>
      <Tick stats={stats.value} />
    </>
  );
}

function Figure({ name, value, to }: { readonly name: string; readonly value: number; readonly to: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <a href={to} aria-label={`${name}: ${value.toLocaleString("en")}`}>
          {value.toLocaleString("en")}
        </a>
      </dd>
    </div>
  );
}

/** The time of the last tick, the number of stand-ins, and the mode. */
function Tick({ stats: { mode, tick } }: { readonly stats: Stats }) {
  const last = tick.last_at === undefined ? "no tick yet" : `last tick ${ago(now.value - msOf(tick.last_at))}`;
  const stoodIn = tick.stood_in === undefined || tick.stood_in === 0 ? "" : `, ${tick.stood_in} times stood in for`;
  return (
    <p class="hint mode-and-tick">
      Mode {mode}, {last}
      {stoodIn}.
    </p>
  );
}

/** The settings that keep jobs from running in the whole deployment. */
function Warnings({ stats }: { readonly stats: Stats }) {
  const { mode, user_jobs: userJobs, tick } = stats;
  const isLate = tick.last_at !== undefined && now.value - msOf(tick.last_at) > LATE_TICK_MS;
  const warnings = [
    ...(mode === "normal" ? [] : [`MODE=${mode}: no persisted job runs.`]),
    ...(userJobs ? [] : ["USER_JOBS=false: jobs of users are held."]),
    ...(isLate ? ["The Cron Trigger has not come for minutes: fan-outs and heartbeats may be late."] : []),
  ];
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} class="problem" role="alert">
          {warning}
        </p>
      ))}
    </>
  );
}
