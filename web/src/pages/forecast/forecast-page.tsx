/**
 * The number of fires in each hour of the next day, and in each minute of one hour. It shows a stampede before it happens.
 */
import { useState } from "preact/hooks";
import { now } from "../../clock.ts";
import { curl, Empty } from "../../parts/empty.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Table } from "../../parts/table.tsx";
import { link } from "../../route.ts";
import { inWords } from "../../time/fires.ts";
import { dayAndTime, timeOfDay } from "../../time/format.ts";
import { Bars, ChoiceBars } from "./bars.tsx";
import { busiestJobs, type Forecast, type Hour, hoursOf, MAX_JOBS, useForecast } from "./load.ts";
import { MonthAhead } from "./month.tsx";

/** The factor over an average minute from which a minute is worth a warning. A handful of fires never is. */
const HOT_FACTOR = 8;
const HOT_FIRES = 10;

export function ForecastPage() {
  const [round, setRound] = useState(0);
  const [chosen, setChosen] = useState<number>();
  const forecast = useForecast(now.peek(), round);
  const hours = hoursOf(forecast);
  const drawn = hours.reduce((sum, hour) => sum + hour.fires, 0);
  const total = forecast.steady.reduce((sum, { fires }) => sum + fires, drawn);
  const isHotMinute = (fires: number): boolean => fires >= HOT_FIRES && fires > (HOT_FACTOR * drawn) / (24 * 60);
  const isHot = (hour: Hour): boolean => isHotMinute(hour.peak);
  const hottest = hours.reduce((most, hour) => (hour.peak > most.peak ? hour : most), hours[0] ?? NO_HOUR);
  const hour = hours.find(({ at }) => at === chosen) ?? hottest;
  return (
    <>
      <div class="page-head">
        <h1>Forecast</h1>
        <button type="button" class="button" aria-busy={forecast.loading} onClick={() => setRound(round + 1)}>
          Refresh
        </button>
      </div>
      <p class="count" role="status">
        {inWordsOf(forecast, total)}
      </p>
      <ProblemBox problem={forecast.problem} onRetry={() => setRound(round + 1)} />
      {!forecast.loading && forecast.problem === undefined && total === 0 ? (
        <Empty
          title="Nothing is due in the next 24 hours"
          command={curl("POST", "/v1/jobs", {
            name: "Every half hour",
            schedule: { every: "30m" },
            message: "Look around.",
          })}
        >
          <p>Once there are active jobs, their fires are drawn here hour by hour.</p>
        </Empty>
      ) : (
        <section class="card forecast" aria-label="Fires by the hour">
          {isHot(hottest) ? (
            <p class="stampede">
              <strong>
                {hottest.peak.toLocaleString("en")} jobs fire in the one minute of{" "}
                {dayAndTime(hottest.peakAt, now.peek())}.
              </strong>{" "}
              Give them <code>jitter</code>, or other minutes than full hours.
            </p>
          ) : null}
          <ChoiceBars
            name="Fires by the hour"
            height={220}
            chosen={hour.at}
            onChoose={setChosen}
            items={hours.map((one) => ({
              key: one.at,
              value: one.fires,
              label: timeOfDay(one.at).slice(0, 2),
              words: `${dayAndTime(one.at, now.peek())}: ${inFires(one.fires)}, at most ${one.peak.toLocaleString("en")} in one minute`,
              isHot: isHot(one),
            }))}
          />
          {hours.some(isHot) ? (
            <p class="hint legend">
              <span class="swatch" /> A minute with {HOT_FACTOR} times the fires of an average one.
            </p>
          ) : null}
          <Steady steady={forecast.steady} />
          <HourDetail forecast={forecast} hour={hour} isHotMinute={isHotMinute} />
        </section>
      )}
      <MonthAhead now={now.peek()} round={round} />
    </>
  );
}

const inFires = (count: number): string => (count === 1 ? "1 fire" : `${count.toLocaleString("en")} fires`);

const NO_HOUR: Hour = { at: 0, fires: 0, peak: 0, peakAt: 0 };

function inWordsOf(forecast: Forecast, total: number): string {
  const jobs = forecast.jobs.length.toLocaleString("en");
  if (forecast.loading) return `Counting… ${jobs} active jobs so far`;
  const fires = `${total.toLocaleString("en")} fires of ${jobs} active jobs in 24 hours`;
  return forecast.complete || forecast.problem !== undefined
    ? fires
    : `${fires}: the newest ${MAX_JOBS.toLocaleString("en")} jobs; there are more`;
}

/** The jobs that are not drawn, since they would hide all others. */
function Steady({ steady }: Pick<Forecast, "steady">) {
  if (steady.length === 0) return null;
  return (
    <p class="hint">
      Not drawn, since they fire more than once a minute:{" "}
      {steady.slice(0, MAX_STEADY_SHOWN).map(({ job, fires }, index) => (
        <span key={job.id}>
          {index === 0 ? "" : ", "}
          <a href={link("jobs", job.id)}>{job.name}</a> ({inFires(fires)})
        </span>
      ))}
      {steady.length > MAX_STEADY_SHOWN ? ` and ${(steady.length - MAX_STEADY_SHOWN).toLocaleString("en")} more` : ""}
    </p>
  );
}

const MAX_STEADY_SHOWN = 5;

type HourDetailProps = {
  readonly forecast: Forecast;
  readonly hour: Hour;
  readonly isHotMinute: (fires: number) => boolean;
};

function HourDetail({ forecast, hour, isHotMinute }: HourDetailProps) {
  const begin = (hour.at - forecast.fromAt) / 60_000;
  const minutes = [...forecast.minutes.subarray(begin, begin + 60)];
  const jobs = busiestJobs(forecast, hour);
  return (
    <div class="hour" aria-live="polite">
      <h2>
        {dayAndTime(hour.at, now.peek())} <small>{inFires(hour.fires)}, minute by minute</small>
      </h2>
      <Bars
        name="Fires by the minute"
        height={110}
        items={minutes.map((fires, index) => ({
          key: index,
          value: fires,
          label: index % 15 === 0 ? timeOfDay(hour.at + index * 60_000) : undefined,
          words: `${timeOfDay(hour.at + index * 60_000)}: ${fires.toLocaleString("en")}`,
          isHot: isHotMinute(fires),
        }))}
      />
      <Table columns={["Job", "Schedule", "Fires"]}>
        {jobs.slice(0, 12).map(({ job, fires }) => (
          <tr key={job.id}>
            <td>
              <a href={link("jobs", job.id)}>{job.name}</a>
              {job.exec_scope === "all_users" ? <small class="chip">× every active user</small> : null}
            </td>
            <td>{inWords(job.schedule)}</td>
            <td>{fires.toLocaleString("en")}</td>
          </tr>
        ))}
      </Table>
      {jobs.length > 12 ? <p class="hint">and {(jobs.length - 12).toLocaleString("en")} more jobs</p> : null}
    </div>
  );
}
