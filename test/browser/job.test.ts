import { expect, it } from "vitest";
import { type Answer, eventually, type Script } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

/** The job's message holds the agent's answers: a list, one for each call with that message. */
const script: Script = async ({ body }, index) => {
  const answers: readonly Answer[] = JSON.parse(body.data.message ?? "[]");
  return answers[Math.min((body.data.run?.attempt ?? 1) - 1, answers.length - 1)] ?? { body: { call: index } };
};
const answers = (...all: readonly Answer[]) => JSON.stringify(all);

const dashboard = await startDashboard({ script });
const { reveille } = dashboard;

it("draws past runs and coming fires, and adds a run to them as it happens", async () => {
  const job = await dashboard.makeJob({
    name: "Timeline",
    schedule: { cron: "0 0 * * *" },
    message: answers({ body: "fine" }),
  });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  const timeline = page.getByRole("listbox", { name: /^Timeline of 0 runs; next fires: / });
  await timeline.waitFor();
  await dashboard.call(`/v1/jobs/${job.id}/run`, {});
  await page.getByRole("listbox", { name: /^Timeline of 1 runs/ }).waitFor();
  await page.getByRole("option", { name: /success after/ }).waitFor();
  await page
    .getByRole("row", { name: /success/ })
    .getByText("fine")
    .waitFor();
});

it("still shows new runs after a restart of the service", async () => {
  const own = await startDashboard({ script });
  const job = await own.makeJob({ name: "Survivor", schedule: { every: "1h" }, message: "[]" });
  const page = await own.open(`#/jobs/${job.id}`);
  await own.call(`/v1/jobs/${job.id}/run`, {});
  await page.getByRole("option", { name: /success after/ }).waitFor();
  await own.restart();
  await own.call(`/v1/jobs/${job.id}/run`, {});
  await eventually("the second run", async () => (await page.getByRole("option").count()) === 2, 30_000);
  await own.reveille.stop();
});

it("shows a run's attempts, answer and output", async () => {
  const job = await dashboard.makeJob({
    name: "Second time",
    schedule: { every: "1h" },
    message: answers({ status: 503 }, { body: { mails: 3 } }),
    retry: { max_attempts: 3, min_backoff: "1s", max_backoff: "1s" },
  });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.getByRole("button", { name: "Run now" }).click();
  await page
    .getByRole("row", { name: /success/ })
    .getByText("×2")
    .waitFor();
  await page
    .getByRole("row", { name: /success/ })
    .getByRole("button")
    .click();
  const run = page.getByRole("region", { name: "Run", exact: true });
  await run.getByText("2 of 3").waitFor();
  expect(JSON.parse(await run.getByLabel("Output").inputValue())).toEqual({ mails: 3 });
});

it("shows why a run failed", async () => {
  const job = await dashboard.makeJob({
    name: "Broken",
    schedule: { every: "1h" },
    message: answers({ status: 400, body: "no such mailbox" }),
  });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByRole("row", { name: /error/ }).getByRole("button").click();
  await page
    .getByRole("region", { name: "Run", exact: true })
    .getByText(/the agent answered 400.*no such mailbox/)
    .waitFor();
});

it("follows the progress of a long run, and cancels it", async () => {
  const job = await dashboard.makeJob({ name: "Long", schedule: { every: "1h" }, message: answers({ status: 202 }) });
  const started = await dashboard.call(`/v1/jobs/${job.id}/run`, {});
  const page = await dashboard.open(`#/jobs/${job.id}?run=${started.run_id}`);
  const run = page.getByRole("region", { name: "Run", exact: true });
  await run.getByText("running", { exact: true }).waitFor();
  await dashboard.call(`/v1/jobs/${job.id}/runs/${started.run_id}/progress`, { percent: 40, message: "12 of 30 read" });
  await run.getByText("12 of 30 read").waitFor();
  expect(await run.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("40");
  await run.getByRole("button", { name: "Cancel" }).click();
  await run.getByText("cancelled").waitFor();
  expect((await dashboard.call(`/v1/jobs/${job.id}/runs/${started.run_id}`)).status).toBe("error");
});

it("shows the fires that were skipped, with the reason", async () => {
  const job = await dashboard.makeJob({
    name: "Too slow",
    schedule: { every: "1s" },
    message: answers({ status: 202 }),
  });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page
    .getByRole("option", { name: /skipped, .*: .*still active/ })
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Skipped", exact: true }).click();
  await eventually("only skipped runs", async () => (await page.getByRole("row", { name: /running/ }).count()) === 0);
  await page
    .getByRole("row", { name: /skipped.*still active/ })
    .first()
    .waitFor();
});

it("can be navigated with the arrow keys", async () => {
  const job = await dashboard.makeJob({ name: "Arrows", schedule: { every: "1h" }, message: "[]" });
  for (let count = 1; count <= 2; count++) {
    await dashboard.call(`/v1/jobs/${job.id}/run`, {});
    await eventually(`run ${count}`, async () => (await dashboard.call(`/v1/jobs/${job.id}`)).run_count === count);
  }
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.getByRole("listbox", { name: /^Timeline of 2 runs/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("option", { selected: true }).waitFor();
  const newest = new URL(page.url()).hash;
  await page.keyboard.press("ArrowLeft");
  await eventually("an older run to be chosen", () => new URL(page.url()).hash !== newest);
  await page.getByRole("region", { name: "Run", exact: true }).waitFor();
});

it("explains in words why the job did or did not run", async () => {
  const job = await dashboard.makeJob({ name: "Why", schedule: { cron: "0 0 1 1 *" } });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  const box = page.getByRole("region", { name: /Why did it/ });
  await box.getByLabel(/^At/).fill("2001-01-01T00:00");
  await box.getByRole("button", { name: "Explain" }).click();
  await box.getByText(/The job was made only at/).waitFor();
});

it("deletes a job only after a question, and keeps it if the answer is no", async () => {
  const job = await dashboard.makeJob({ name: "Doomed", schedule: { every: "1h" } });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete this job?" });
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await dialog.waitFor({ state: "detached" });
  expect((await reveille.api(`/v1/jobs/${job.id}`)).status).toBe(200);
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete job and runs" }).click();
  await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
  expect((await reveille.api(`/v1/jobs/${job.id}`)).status).toBe(404);
});

it("says so if the job does not exist", async () => {
  const page = await dashboard.open("#/jobs/nothing-here");
  await page
    .getByRole("alert")
    .getByText(/There is no such job/)
    .waitFor();
});

it("shows a long paragraph whole, not only its first line", async () => {
  const message = "Look through everything that came in since yesterday and tell me what needs me. ".repeat(14);
  const job = await dashboard.makeJob({ name: "Long prompt", schedule: { every: "1h" }, message });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  const field = page.getByLabel("Message", { exact: true });
  await field.waitFor();
  const { seen, whole } = await field.evaluate((area) => ({ seen: area.clientHeight, whole: area.scrollHeight }));
  expect(seen).toBeGreaterThanOrEqual(whole);
});

it("shows what a job has spent against its budget, and the next time that the agent asked for", async () => {
  const own = await startDashboard({
    script: () => ({ body: { reveille: { cost_usd: 1.25, tokens: 320, unchanged: true, next_in: "10m" } } }),
  });
  const job = await own.makeJob({
    name: "Spender",
    schedule: { every: "1h" },
    pacing: { min: "1m", max: "1h" },
    budget: { usd_per_day: 5, runs_per_day: 3 },
  });
  const runAgain = () => own.call(`/v1/jobs/${job.id}/run`, { wait: "10s" });
  await runAgain();
  const page = await own.open(`#/jobs/${job.id}`);
  const spending = page.getByRole("region", { name: "Spending" });
  await spending.getByText("Dollars today: $1.25 of $5.00").waitFor();
  await spending.getByText("Runs today: 1 of 3").waitFor();
  await page
    .getByRole("row", { name: /nothing new/ })
    .getByRole("button")
    .click();
  await page.getByText(/^in 10 min, at /).waitFor();
  await page.getByRole("region", { name: "Run", exact: true }).getByText("$1.25 · 320 tokens").waitFor();
  await page.getByRole("button", { name: "Close the run" }).click();
  await page.getByRole("img", { name: /^Cost by day: .*: \$1\.25 · 320 tokens, 1 run$/ }).waitFor();

  await runAgain();
  await page.getByRole("img", { name: /^Cost by day: .*: \$2\.50 · 640 tokens, 2 runs$/ }).waitFor();
  const folded = page.getByRole("button", { name: "2 runs", expanded: false });
  await page.getByRole("row", { name: /2 runs.*\$2\.50 · nothing new/ }).waitFor();
  await folded.click();
  await folded.waitFor({ state: "detached" });
  expect(await page.getByRole("row", { name: /\$1\.25 · nothing new/ }).count()).toBe(2);
  await page.getByLabel("Hide runs that found nothing new").check();
  await page.getByText("No run in the log").or(page.getByText("It has not run yet")).waitFor();
});

it("copies a call that creates the same job", async () => {
  const job = await dashboard.makeJob({ name: "Copied", schedule: { every: "1h" }, labels: { team: "ops" } });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy as curl" }).click();
  await page.getByText("Command copied").waitFor();
  const copied = String(await page.evaluate("navigator.clipboard.readText()"));
  const sent: Record<string, unknown> = JSON.parse(copied.slice(copied.indexOf("{"), copied.lastIndexOf("}") + 1));
  expect(sent).toMatchObject({ name: "Copied", schedule: { every: "1h" }, labels: { team: "ops" } });
  expect((await reveille.api("/v1/jobs", { json: sent })).status).toBe(201);
});
