import { expect, it } from "vitest";
import { bySize } from "../size.ts";
import { eventually } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

const dashboard = await startDashboard();
const { reveille } = dashboard;

it("shows the first call while there are no jobs, and the call creates a job", async () => {
  const page = await dashboard.open();
  const command = await page.getByLabel("Command", { exact: true }).inputValue();
  expect(command).toContain(`curl -X POST ${reveille.url}/v1/jobs`);
  const body = /-d '([\s\S]*)'$/.exec(command)?.[1] ?? "";
  expect((await reveille.api("/v1/jobs", { body })).status).toBe(201);
  await page.reload();
  await page.getByRole("link", { name: "Morning summary" }).waitFor();
});

it("shows a schedule in words, and the next fire in the viewer's zone and in the job's", async () => {
  await dashboard.makeJob({ name: "Stand-up", schedule: { cron: "30 9 1 1 *", timezone: "Europe/Berlin" } });
  const page = await dashboard.open("#/jobs?q=Stand-up", { timezone: "Asia/Tokyo" });
  const row = page.getByRole("listitem").filter({ hasText: "Stand-up" });
  await row.getByText("At 09:30, on day 1 of the month, in January", { exact: true }).waitFor();
  await row.getByText("30 9 1 1 * Europe/Berlin").waitFor();
  await row.getByText("1 Jan 17:30").waitFor();
  await row.getByText("09:30 Berlin").waitFor();
});

it("counts down to the next fire and shows the run when it has come", async () => {
  await dashboard.makeJob({ name: "Soon", schedule: { every: "5s" } });
  const page = await dashboard.open("#/jobs?q=Soon");
  const row = page.getByRole("listitem").filter({ hasText: "Soon" });
  await row.getByText(/^[1-5] s$/).waitFor();
  await row.getByRole("img", { name: /^Last (run|\d+ runs): \d+ succeeded/ }).waitFor();
});

it("finds jobs by name, state and filters, and keeps the filters in the address", async () => {
  await dashboard.makeJob({
    name: "Alpha report",
    schedule: { every: "1h" },
    user_id: "alice",
    labels: { team: "ops" },
  });
  await dashboard.makeJob({ name: "Beta report", schedule: { every: "1h" }, user_id: "bob", enabled: false });
  const page = await dashboard.open();
  const names = () => page.getByRole("list", { name: "Jobs", exact: true }).locator("a.job-name").allTextContents();
  const shows = (...wanted: string[]) =>
    eventually(
      () => `the list ${wanted.join()}`,
      async () => (await names()).map((name) => name.replace(/(paused|finished)$/, "")).join() === wanted.join(),
      20_000,
    );

  await page.getByLabel("Search jobs by name").fill("REPORT");
  await shows("Beta report", "Alpha report");
  await page.getByRole("button", { name: "Paused", exact: true }).click();
  await shows("Beta report");
  await page.reload();
  await shows("Beta report");
  await page.getByRole("button", { name: "Active & paused" }).click();
  await page.getByText("Filters", { exact: true }).click();
  await page.getByLabel("User", { exact: true }).fill("alice");
  await shows("Alpha report");
  await page.getByLabel("User", { exact: true }).fill("");
  // The fold stays open although no filter is set any more.
  await shows("Beta report", "Alpha report");
  await page.getByLabel("Label").fill("team:ops");
  await shows("Alpha report");
  await page.getByLabel("Label").fill("no-colon");
  await page.getByRole("alert").getByText(/label/).first().waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await shows("Beta report", "Alpha report");
  await page.getByRole("link", { name: "team: ops" }).click();
  await shows("Alpha report");
});

it("runs, pauses and resumes a job in place", async () => {
  const job = await dashboard.makeJob({ name: "In place", schedule: { every: "1h" } });
  const page = await dashboard.open("#/jobs?q=In+place");
  await page.getByRole("button", { name: "Run In place now" }).click();
  await page.getByRole("status").getByText("In place was started").waitFor();
  await page.getByRole("img", { name: "Last run: 1 succeeded" }).waitFor();
  await page.getByRole("button", { name: "Pause In place" }).click();
  await page.getByRole("button", { name: "Resume In place" }).waitFor();
  expect((await dashboard.call(`/v1/jobs/${job.id}`)).state).toBe("paused");
  await page.getByRole("button", { name: "Resume In place" }).click();
  await page.getByRole("button", { name: "Pause In place" }).waitFor();
  expect((await dashboard.call(`/v1/jobs/${job.id}`)).state).toBe("active");
});

it("can be used without a mouse", async () => {
  const job = await dashboard.makeJob({ name: "Keys two", schedule: { every: "1h" } });
  await dashboard.makeJob({ name: "Keys one", schedule: { every: "1h" } });
  const page = await dashboard.open("#/jobs");
  await page.getByRole("link", { name: "Keys one" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("Keys");
  await page.getByText("2 jobs", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  expect(await page.locator(":focus").textContent()).toBe("Keys two");
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Resume Keys two" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Keys two" }).waitFor();
  expect(new URL(page.url()).hash).toBe(`#/jobs/${job.id}`);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await page.getByRole("heading", { name: "Forecast" }).waitFor();
});

it("pages through hundreds of jobs during scrolling, and draws only visible ones", async () => {
  const total = bySize(250, 400);
  const numbers = Array.from({ length: total }, (_, index) => index).values();
  const work = async () => {
    for (const index of numbers) {
      await dashboard.makeJob({ name: `Many ${index}`, schedule: { every: "1d" }, user_id: `user-${index % 4}` });
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  const page = await dashboard.open("#/jobs?q=Many");
  await page.getByText(/^The newest \d+ jobs/).waitFor();
  await eventually(
    "all jobs to be listed",
    async () => {
      await page.mouse.wheel(0, 20_000);
      return page.getByText(`${total} jobs`, { exact: true }).isVisible();
    },
    40_000,
  );
  await page.keyboard.press("End");
  const rows = page.getByRole("list", { name: "Jobs", exact: true }).getByRole("listitem");
  await rows.and(page.locator(`[aria-posinset="${total}"]`)).waitFor();
  expect(await rows.count()).toBeLessThan(60);
});

it("shows a job that is created elsewhere, and drops one that is deleted, without a reload", async () => {
  const gone = await dashboard.makeJob({ name: "Live one", schedule: { every: "1h" } });
  const page = await dashboard.open("#/jobs?q=Live");
  await page.getByRole("link", { name: "Live one" }).waitFor();
  await dashboard.makeJob({ name: "Live two", schedule: { every: "1h" } });
  expect((await reveille.api(`/v1/jobs/${gone.id}`, { method: "DELETE" })).status).toBe(204);
  await page.getByRole("link", { name: "Live two" }).waitFor();
  await page.getByRole("link", { name: "Live one" }).waitFor({ state: "detached" });
});

it("says on every page since when Reveille has not answered, until it answers again", async () => {
  const page = await dashboard.open("#/jobs");
  await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
  await page.context().setOffline(true);
  await page.getByRole("alert").getByText("Reveille has not answered since").waitFor();
  await page.context().setOffline(false);
  await page.getByText("Reveille has not answered since").waitFor({ state: "detached" });
});
