/** `GET /v1/forecast`: the coming fires of jobs, day by day, and their cost. */
import * as z from "zod";
import { askJobs } from "../../directory/job-list.ts";
import { type FieldError, invalid, type Outcome } from "../../domain/failure.ts";
import type { ForecastWindow } from "../../domain/job/forecast.ts";
import { sumForecasts } from "../../domain/job/forecast-sums.ts";
import { err, ok } from "../../domain/result.ts";
import { formatInstant, parseInstant } from "../../domain/time/instant.ts";
import { findZone } from "../../domain/time/zone.ts";
import { DayForecast, JobForecast } from "../../schema/forecast.ts";
import { DAY_MS } from "../../schema/limits.ts";
import { InstantText } from "../../schema/schedule.ts";
import { pageCursor, pageLimit, pageShape, queryText } from "../fields.ts";
import { OnePerToken } from "../one-per-token.ts";
import { reply, route } from "../route.ts";
import { filterOf, JobFilters } from "./job-filters.ts";

const MAX_FORECAST_MS = 31 * DAY_MS;
const DEFAULT_FORECAST_MS = 7 * DAY_MS;

/**
 * The number of jobs that are asked at once. Each may take a tenth of a second, and other calls get their turn in between.
 */
const JOBS_AT_ONCE = 2;
/**
 * Lets other calls in. Under `npm start` one process runs all objects, and it takes no other call until a timer is awaited.
 */
const letOthersIn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
/** The time after which an interrupted forecast no longer blocks its token. */
const LONGEST_MS = 30_000;
const underWay = new OnePerToken(LONGEST_MS);

const InstantOut = z.string().meta({ examples: ["2026-11-28T00:00:00.000Z"] });

const forecast = route({
  method: "get",
  path: "/v1/forecast",
  access: "read",
  id: "forecast",
  tag: "Schedules",
  summary: "Forecast the fires and the cost of jobs, day by day",
  description:
    "How often jobs fire from `from` to `to`, and the cost at the average of their runs so far. One answer covers a page of the jobs that match the filters, newest first: `items` has those that fire in the window, `days` the sums. Continue with `cursor` for all jobs, one call after the other. Paused jobs count from their `paused_until`.",
  query: z
    .strictObject({
      from: InstantText.optional().meta({
        aliases: ["since", "start", "start_at"],
        description: "RFC 3339: from this time on; default now. Times before now are not counted.",
        examples: ["2026-11-28T00:00:00Z"],
      }),
      to: InstantText.optional().meta({
        aliases: ["until", "end", "end_at"],
        description: "RFC 3339: up to this time, at most 31 days after `from`; default 7 days after it.",
        examples: ["2026-12-05T00:00:00Z"],
      }),
      timezone: queryText.optional().meta({
        aliases: ["tz", "zone", "time_zone"],
        description: "The IANA zone whose calendar days are meant; default UTC.",
        examples: ["Europe/Berlin"],
      }),
      ...JobFilters.shape,
      limit: pageLimit(50),
      cursor: pageCursor,
    })
    .meta({
      notHere: {
        job_id:
          "is not a query parameter here: name the job with name=…; its next fire is next_run_at in GET /v1/jobs/{value}",
        days: "is not a query parameter here: send the end of the window as to=…, at most 31 days after from",
      },
    }),
  answers: {
    200: {
      description: "A page of the forecast.",
      schema: z.strictObject({
        from: InstantOut,
        to: InstantOut,
        timezone: z.string(),
        days: z.array(DayForecast).readonly().meta({ description: "The sums of this page's jobs." }),
        ...pageShape(JobForecast).shape,
      }),
    },
  },
  errors: ["rate_limited"],
  async handle({ env, caller, query, now }) {
    const { from, to, timezone, limit, cursor, ...filters } = query;
    const window = readWindow({ from, to, timezone }, now);
    if (!window.ok) return window;
    const asked = { filter: filterOf(filters), limit, cursor, now, atOnce: JOBS_AT_ONCE };
    const page = await underWay.only(caller, now, () =>
      askJobs(env, caller, asked, async (job) => {
        const forecast = await job.forecast(window.value);
        await letOthersIn();
        return forecast;
      }),
    );
    if (page === undefined) return err(ONE_AT_A_TIME);
    if (!page.ok) return page;
    const items = page.value.items.filter(({ fires }) => fires > 0);
    return reply(200, {
      from: formatInstant(window.value.from),
      to: formatInstant(window.value.to),
      timezone: window.value.timeZone,
      days: sumForecasts(items),
      ...page.value,
      items,
    });
  },
});

const ONE_AT_A_TIME = {
  kind: "rate_limited",
  retryAfterSeconds: 1,
  detail: "This token has a forecast under way, and may ask for one at a time; wait for its answer.",
} as const;

type Asked = Readonly<Record<"from" | "to" | "timezone", string | undefined>>;

/** The window of a forecast. Errors: `validation_failed` on each wrong parameter. */
function readWindow({ from, to, timezone = "UTC" }: Asked, now: number): Outcome<ForecastWindow> {
  const begin = from === undefined ? ok(now) : parseInstant(from);
  const fallback = (begin.ok ? begin.value : now) + DEFAULT_FORECAST_MS;
  const end = to === undefined ? ok(fallback) : parseInstant(to);
  const zone = findZone(timezone);
  const errors: FieldError[] = [];
  if (!begin.ok) errors.push({ path: "from", message: begin.error });
  if (!end.ok) errors.push({ path: "to", message: end.error });
  if (!zone.ok) errors.push({ path: "timezone", message: zone.error });
  if (begin.ok && end.ok) errors.push(...checkOrder(begin.value, end.value, now));
  if (!begin.ok || !end.ok || !zone.ok || errors.length > 0) return invalid(errors);
  return ok({ from: begin.value, to: end.value, timeZone: zone.value });
}

function checkOrder(from: number, to: number, now: number): FieldError[] {
  if (to <= from) return [{ path: "to", message: `is not after from (${formatInstant(from)}); give a later time` }];
  if (to - from > MAX_FORECAST_MS) {
    const latest = formatInstant(from + MAX_FORECAST_MS);
    return [
      {
        path: "to",
        message: `is more than 31 days after from; give ${latest} or earlier, and ask for the rest in a call of its own`,
      },
    ];
  }
  if (to > now) return [];
  const message = `lies in the past; a forecast is of what is to come: give a time after ${formatInstant(now)}`;
  return [{ path: "to", message }];
}

export const forecastRoutes = [forecast] as const;
