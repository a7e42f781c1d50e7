/** `reveille forecast`: how often jobs will fire, and the cost. */
import * as z from "zod";
import { sumForecasts } from "../../domain/job/forecast-sums.ts";
import { DayForecast, JobForecast } from "../../schema/forecast.ts";
import { DAY_MS } from "../../schema/limits.ts";
import type { Command } from "../command.ts";
import { numberOf } from "../job-fields.ts";
import { json, table } from "../render.ts";
import { connect, read } from "../service.ts";

const Page = z.looseObject({
  from: z.string(),
  to: z.string(),
  timezone: z.string(),
  items: z.array(z.looseObject({ ...JobForecast.shape, days: z.array(z.looseObject(DayForecast.shape)).readonly() })),
  next_cursor: z.string().optional(),
});

const FILTERS = ["agent-id", "user-id", "plugin-id", "name", "q", "state"] as const;

export const forecast: Command = {
  name: "forecast",
  summary: "Show how often jobs will fire, and the cost",
  options: {
    days: { type: "string", value: "N", about: "The number of days, 1 to 31 (7)" },
    timezone: { type: "string", value: "ZONE", about: "Whose calendar days are shown (UTC)" },
    "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "Jobs of this agent" },
    "user-id": { type: "string", value: "ID", aliases: ["user"], about: "Jobs of this user" },
    "plugin-id": { type: "string", value: "ID", about: "Jobs of this plugin" },
    label: { type: "string", value: "KEY:VALUE", multiple: true, about: "Jobs with this label" },
    name: { type: "string", about: "The whole name" },
    q: { type: "string", about: "Part of the name" },
    state: { type: "string", value: "STATES", about: "A comma list of active, paused (active,paused)" },
  },
  examples: ["reveille forecast", "reveille forecast --days 30 --timezone Europe/Berlin --agent-id helper"],
  async run(given, terminal) {
    const days = numberOf("days", given.text("days") ?? "7");
    const service = await connect(given, terminal);
    const filters = Object.fromEntries(FILTERS.map((name) => [name.replaceAll("-", "_"), given.text(name)]));
    const now = Date.now();
    // All pages use one window.
    const window = { from: new Date(now).toISOString(), to: new Date(now + days * DAY_MS).toISOString() };
    const query = {
      ...filters,
      ...window,
      label: given.texts("label"),
      timezone: given.text("timezone"),
      limit: "100",
    };
    const items: z.infer<typeof Page>["items"] = [];
    let page: z.infer<typeof Page> | undefined;
    do {
      const cursor = page?.next_cursor;
      page = read(Page, await service.send("GET", "/v1/forecast", { query: { ...query, cursor } }));
      items.push(...page.items);
    } while (page.next_cursor !== undefined);
    const sums = sumForecasts(items);
    if (given.flag("json")) {
      terminal.print(json({ ...window, timezone: page.timezone, days: sums, items }));
      return 0;
    }
    if (items.length === 0) {
      terminal.print(`No job is going to fire in the next ${days} days.`);
      return 0;
    }
    const cost = ({ usd }: { readonly usd?: number | undefined }) => (usd === undefined ? "" : `$${usd}`);
    terminal.print(
      table(
        terminal,
        ["DAY", "RUNS", "COST"],
        sums.map((day) => [day.day, String(day.runs), cost(day)]),
      ),
    );
    terminal.print("");
    const dearest = items.toSorted((a, b) => (b.usd ?? 0) - (a.usd ?? 0) || b.runs - a.runs);
    terminal.print(
      table(
        terminal,
        ["JOB", "FIRES", "RUNS", "COST"],
        dearest.map((job) => [job.name, String(job.fires), String(job.runs), cost(job)]),
      ),
    );
    return 0;
  },
};
