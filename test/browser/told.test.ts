/** Stories of an operator: changing many jobs at once, and subscriptions to failures. */
import { expect, it } from "vitest";
import { type Script, startAgent } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

const script: Script = (call) => {
  if (call.body.data.job?.name === "Slow report") return { status: 202 };
  return call.body.data.message === "fail" ? { status: 400, body: "the ledger is closed" } : {};
};
const dashboard = await startDashboard({ script });

const statesOf = async (q: string): Promise<string[]> => {
  const { items } = await dashboard.call(`/v1/jobs?q=${q}`);
  return (items as { readonly name: string; readonly state: string }[])
    .map(({ name, state }) => `${name} ${state}`)
    .sort();
};

it("selects jobs, pauses them at once, and deletes all jobs of the filter after a question", async () => {
  for (const name of ["Bulk a", "Bulk b", "Bulk c"]) await dashboard.makeJob({ name, schedule: { every: "1h" } });
  const other = await dashboard.makeJob({ name: "Another", schedule: { every: "1h" } });
  const page = await dashboard.open("#/jobs?q=Bulk");
  await page.getByRole("checkbox", { name: "Select Bulk a" }).check();
  await page.getByRole("checkbox", { name: "Select Bulk c" }).check();
  const bar = page.getByRole("region", { name: "Selected jobs" });
  await bar.getByRole("button", { name: "Pause: 2 jobs" }).click();
  await page.getByText("Paused: 2 jobs").waitFor();
  expect(await statesOf("Bulk")).toEqual(["Bulk a paused", "Bulk b active", "Bulk c paused"]);

  await page.getByRole("checkbox", { name: "Select Bulk b" }).check();
  await bar.getByRole("button", { name: "Select all that match" }).click();
  await bar.getByRole("button", { name: "Delete: all matching jobs" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete all matching jobs" }).click();
  await page.getByText("Deleted: 3 jobs").waitFor();
  await page.getByRole("heading", { name: "No job matches" }).waitFor();
  expect(await statesOf("")).toEqual(["Another active"]);
  expect(other.id).toBeDefined();
});

it("subscribes a webhook, shows its secret once, tests it, and shows the message of a failure without a reload", async () => {
  const hook = await startAgent();
  const page = await dashboard.open("#/subscriptions");
  await page.getByRole("heading", { name: "No subscriptions yet" }).waitFor();
  await page.getByLabel("Id", { exact: true }).fill("ops");
  await page.getByLabel("Webhook URL").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Create subscription" }).click();
  await page
    .getByText(/must begin with https/)
    .first()
    .waitFor();
  await page.getByLabel("Webhook URL").fill(hook.url);
  await page.getByRole("button", { name: "Create subscription" }).click();
  const dialog = page.getByRole("dialog", { name: "The secret of the webhook" });
  expect(await dialog.getByLabel("Secret", { exact: true }).inputValue()).toMatch(/^whsec_/);
  await page.keyboard.press("Escape");

  const card = page.getByRole("region", { name: "Subscription ops" });
  await card.getByRole("button", { name: "Send an example to ops" }).click();
  await page.getByText("The example reached the target").waitFor();
  const job = await dashboard.makeJob({ name: "Ledger", message: "fail", schedule: { manual: true } });
  await dashboard.call(`/v1/jobs/${job.id}/run`, {});
  const messages = card.getByRole("table", { name: "Messages of ops" });
  await messages.getByRole("row", { name: /delivered.*_failed.*1 attempt/ }).waitFor();
  expect(hook.calls.map(({ body }) => body.type)).toEqual(["run.failed", "run.failed"]);

  await card.getByRole("button", { name: "Remove ops" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove subscription" }).click();
  await page.getByRole("heading", { name: "No subscriptions yet" }).waitFor();
});

it("shows active runs, and copies the call of a run as commands", async () => {
  const job = await dashboard.makeJob({ name: "Slow report", schedule: { every: "1h" } });
  const page = await dashboard.open("");
  await page.getByText("No job is running.").waitFor();
  const { run_id: run } = await dashboard.call(`/v1/jobs/${job.id}/run`, {});
  await page.getByRole("list", { name: "Running now" }).getByRole("link", { name: "Slow report" }).click();
  await page.goto(`${page.url().replace(/\?.*/, "")}?run=${String(run)}`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy call as curl" }).click();
  await page.getByText("Commands copied").waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toContain(`webhook-id: ${String(run)}`);
});
