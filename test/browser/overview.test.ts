import { expect, it } from "vitest";
import { eventually, type Script } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

let works = false;
const script: Script = (call) => {
  if (call.body.data.job?.name === "Invoice reminder" && !works) return { status: 400, body: "the ledger is closed" };
  if (call.body.data.job?.name === "Old agent") return { status: 410 };
  return {};
};
const dashboard = await startDashboard({ script });

async function runAndWait(id: string): Promise<void> {
  await dashboard.call(`/v1/jobs/${id}/run`, {});
  await eventually("the run has ended", async () => {
    const { items } = await dashboard.call(`/v1/jobs/${id}/runs?status=running`);
    return Array.isArray(items) && items.length === 0;
  });
}

it("opens first, with failing jobs and their reason, jobs that their agent has paused, and the next fires", async () => {
  const failing = await dashboard.makeJob({ name: "Invoice reminder", schedule: { cron: "0 9 * * 1-5" } });
  const gone = await dashboard.makeJob({ name: "Old agent", schedule: { every: "1h" } });
  await runAndWait(failing.id);
  await runAndWait(gone.id);
  const page = await dashboard.open("");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const bad = page.getByRole("list", { name: "Failing" }).getByRole("listitem").filter({ hasText: "Invoice reminder" });
  await bad.getByText(/the ledger is closed/).waitFor();
  await page.getByRole("list", { name: "Paused with a reason" }).getByText("Old agent").waitFor();
  await page.getByRole("table", { name: "Next due" }).getByText("Invoice reminder").waitFor();
  const failed = page.getByRole("region", { name: "Failed in the last 24 hours" });
  await failed.getByRole("row", { name: /Invoice reminder/ }).waitFor();
});

it("shows different marks for a failing and a sound job, in the list and on its page", async () => {
  const page = await dashboard.open("#/jobs?q=Invoice");
  const row = page.getByRole("listitem").filter({ hasText: "Invoice reminder" });
  await row.getByText("failing", { exact: true }).waitFor();
  await row.getByRole("link").click();
  await page.getByRole("heading", { name: "Invoice reminder" }).waitFor();
  await page.getByText("failing", { exact: true }).waitFor();
});

it("lists the events, and adds a recovery without a reload", async () => {
  const page = await dashboard.open("#/events");
  const events = page.getByRole("table", { name: "Events" });
  await events.getByRole("row", { name: /run\.failed.*Invoice reminder/ }).waitFor();
  works = true;
  const { items } = await dashboard.call("/v1/jobs?q=Invoice");
  expect(items).toHaveLength(1);
  await events.getByRole("link", { name: "Invoice reminder" }).first().waitFor();
  const [job] = items as { readonly id: string }[];
  await runAndWait(job?.id ?? "");
  await events.getByRole("row", { name: /run\.recovered/ }).waitFor();
});
