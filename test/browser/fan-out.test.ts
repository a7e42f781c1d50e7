import { expect, it } from "vitest";
import { eventually } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

let release: () => void = () => {};
const released = new Promise<void>((resolve) => {
  release = resolve;
});

const dashboard = await startDashboard({
  script: async ({ body }) => {
    const user = body.data.run?.user_id ?? "";
    if (user.startsWith("late")) await released;
    return user === "broken" ? { status: 400, body: "no such mailbox" } : {};
  },
});

it("follows a fan-out live, with its counts and its failed users", async () => {
  await dashboard.call("/v1/users/import", { users: ["one", "two", "broken", "late-1", "late-2"] });
  const job = await dashboard.makeJob({ name: "For all", schedule: { cron: "0 0 1 1 *" }, exec_scope: "all_users" });
  const page = await dashboard.open(`#/jobs/${job.id}`);
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByRole("region", { name: "Fan-outs" }).getByRole("link").click();
  await page.getByRole("heading", { name: "Fan-out" }).waitFor();
  const bar = page.getByRole("progressbar", { name: "Users done" });
  await eventually("three users to be done", async () => (await bar.getAttribute("aria-valuenow")) === "3", 30_000);
  await page.getByText("3 of 5 users: 2 succeeded, 1 failed, 2 to go").waitFor();
  release();
  await page.getByText("5 of 5 users: 4 succeeded, 1 failed", { exact: true }).waitFor();
  await page.getByRole("row", { name: /broken.*no such mailbox/ }).waitFor();
  expect(await page.getByRole("row", { name: /one|two|late/ }).count()).toBe(0);
});
