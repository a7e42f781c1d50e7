import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../size.ts";
import { startDashboard } from "./dashboard.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const dashboard = await startDashboard({ script: () => ({ body: { mails: 3 } }) });
let jobId = "";
let fanOutId = "";

beforeAll(async () => {
  const job = await dashboard.makeJob({
    name: "A job of some length, to see what becomes of it",
    description: "With a description.",
    schedule: { cron: "0 9 * * 1-5", timezone: "America/New_York" },
    labels: { team: "ops" },
    payload: { topic: "news" },
  });
  jobId = job.id;
  await dashboard.call(`/v1/jobs/${jobId}/run`, {});
  await dashboard.makeJob({ name: "Paused", schedule: { every: "1h" }, enabled: false });
  await dashboard.call("/v1/users/import", { users: ["alice"] });
  const all = await dashboard.makeJob({ name: "For all", schedule: { every: "1h" }, exec_scope: "all_users" });
  const started = await dashboard.call(`/v1/jobs/${all.id}/run`, {});
  fanOutId = `${all.id}/fan-outs/${started.fan_out_id}`;
  await dashboard.reveille.api("/v1/heartbeats/main", { method: "PUT", json: { every: "30m" } });
  await dashboard.call("/v1/heartbeats/main/beat", {});
  await dashboard.reveille.api("/v1/agents/research", { method: "PUT", json: { url: dashboard.agent.url } });
});

/** Every page, with a text that it shows once it is loaded. */
const pages: readonly (readonly [name: string, place: () => string, shows: string])[] = [
  ["the overview", () => "#/overview", "Next due"],
  ["jobs", () => "#/jobs", "Paused"],
  ["runs of all jobs", () => "#/runs", "Failed runs of every job"],
  ["events", () => "#/events", "kept for 30 days"],
  ["subscriptions", () => "#/subscriptions", "New subscription"],
  ["a filtered list without a match", () => "#/jobs?q=nothing&user_id=x", "No job matches"],
  ["a job", () => `#/jobs/${jobId}`, "Definition"],
  ["editing a job", () => `#/jobs/${jobId}/edit`, "At 09:00, Monday through Friday (America/New_York)"],
  ["a new job", () => "#/new", "At 09:00, Monday through Friday (Europe/Berlin)"],
  ["a fan-out", () => `#/jobs/${fanOutId}`, "Failing users"],
  ["forecast", () => "#/forecast", "minute by minute"],
  ["heartbeats", () => "#/heartbeats", "New heartbeat"],
  ["a heartbeat", () => "#/heartbeats/main", "Configuration"],
  ["users", () => "#/users", "alice"],
  ["agents", () => "#/agents", "research"],
  ["tokens", () => "#/tokens", "New token"],
  ["no such page", () => "#/nowhere", "Page not found"],
];

/** The only rules that depend on the theme. In the long run the others are tried in both. */
const COLOURS = '{ runOnly: ["color-contrast", "link-in-text-block"] }';
const ALL = "";

describe.each([
  ["light", ALL],
  ["dark", isLong ? ALL : COLOURS],
] as const)("in %s", (theme, rules) => {
  it("axe finds nothing serious on any page", async () => {
    const page = await dashboard.open("#/jobs", { theme });
    await page.evaluate(AXE);
    for (const [name, place, shows] of pages) {
      await page.goto(`/${place()}`);
      await page.getByText(shows).first().waitFor();
      expect(await seriousFindings(page, rules), name).toEqual([]);
    }
  });

  it("axe finds nothing serious when signing in, in a dialog, and in a run", async () => {
    const signIn = await dashboard.open("", { theme, token: null });
    await signIn.getByLabel("Token").waitFor();
    await signIn.evaluate(AXE);
    expect(await seriousFindings(signIn, rules)).toEqual([]);

    const page = await dashboard.open(`#/jobs/${jobId}`, { theme });
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").waitFor();
    await page.evaluate(AXE);
    expect(await seriousFindings(page, rules)).toEqual([]);
    await page.keyboard.press("Escape");
    await page
      .getByRole("row", { name: /success|running/ })
      .getByRole("button")
      .click();
    await page.getByRole("region", { name: "Run", exact: true }).getByText("Session").waitFor();
    expect(await seriousFindings(page, rules)).toEqual([]);
  });
});

async function seriousFindings(page: { evaluate<T>(script: string): Promise<T> }, rules: string): Promise<string[]> {
  const results = await page.evaluate<AxeResults>(`axe.run(${rules})`);
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`,
    );
}

it("every page fits a screen of 320 px", async () => {
  const page = await dashboard.open("#/jobs", { width: 320 });
  for (const [name, place, shows] of pages) {
    await page.goto(`/${place()}`);
    await page.getByText(shows).first().waitFor();
    expect(await page.evaluate<number>("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(320);
  }
});

it("follows the system's theme until another one is chosen, and remembers the choice", async () => {
  const page = await dashboard.open("#/jobs", { theme: "light" });
  const colour = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const light = await colour();
  const button = page.getByRole("button", { name: /^Colours/ });
  await button.click();
  expect(await colour()).toBe(light);
  await button.click();
  const dark = await colour();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.getByRole("button", { name: "Colours: dark. Change" }).waitFor();
  expect(await colour()).toBe(dark);
});
