/** `GET /metrics`: the figures of the service for Prometheus (docs/contract.md §18). */
import { listAgents } from "../../directory/agents.ts";
import { countEvents } from "../../directory/events.ts";
import { countJobs } from "../../directory/jobs-index.ts";
import { tickStats } from "../../directory/tick.ts";
import { EventType } from "../../schema/event.ts";
import { JobState } from "../../schema/job.ts";
import { SECOND_MS } from "../../schema/limits.ts";
import { route } from "../route.ts";

/** The number of agents whose mailboxes are asked, one by one. Further agents' offers are not counted. */
const MAX_AGENTS = 100;
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const metrics = route({
  method: "get",
  path: "/metrics",
  access: "metrics",
  id: "getMetrics",
  tag: "Service",
  summary: "Metrics for Prometheus",
  description:
    "Jobs by state, events by type, overdue jobs, offers that wait in mailboxes, seconds since the last tick.",
  answers: { 200: { description: "Prometheus text.", contentType: "text/plain" } },
  async handle({ env, now }) {
    const [jobs, events, ticks, agents] = await Promise.all([
      countJobs(env),
      countEvents(env),
      tickStats(env),
      listAgents(env, MAX_AGENTS, undefined, false),
    ]);
    const waiting = (agents.ok ? agents.value.items : []).reduce((sum, agent) => sum + (agent.waiting ?? 0), 0);
    const ofState = (state: JobState): number =>
      jobs.filter((one) => one.state === state).reduce((sum, { count }) => sum + count, 0);
    const ofType = (type: EventType): number => events.find((one) => one.type === type)?.count ?? 0;
    const text = [
      metric(
        "reveille_jobs",
        "gauge",
        "Jobs by state.",
        JobState.options.map((state) => [{ state }, ofState(state)]),
      ),
      metric(
        "reveille_events_total",
        "counter",
        "Events by type.",
        EventType.options.map((type) => [{ type }, ofType(type)]),
      ),
      metric("reveille_jobs_overdue", "gauge", "Jobs whose due time has passed with nothing to answer it.", [
        [{}, ticks.overdue],
      ]),
      metric("reveille_offers_waiting", "gauge", "Runs that wait in mailboxes to be claimed.", [[{}, waiting]]),
      metric("reveille_ticks_stood_in_total", "counter", "Ticks whose work an alarm or a call did.", [
        [{}, ticks.stoodIn],
      ]),
      ...(ticks.lastTickAt === undefined
        ? []
        : [
            metric("reveille_tick_age_seconds", "gauge", "Seconds since the last tick.", [
              [{}, Math.max(0, now - ticks.lastTickAt) / SECOND_MS],
            ]),
          ]),
    ];
    return new Response(text.join(""), { headers: { "content-type": CONTENT_TYPE, "cache-control": "no-store" } });
  },
});

export const metricsRoutes = [metrics] as const;

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}
