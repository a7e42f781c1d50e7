import { expect, it } from "vitest";
import { startDashboard } from "./dashboard.ts";

const dashboard = await startDashboard();

it("asks for a token, says why one is refused, and keeps a valid one for this tab only", async () => {
  const page = await dashboard.open("", { token: null });
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("Invalid or expired token.").waitFor();

  await page.getByLabel("Token").fill(dashboard.reveille.adminToken);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  expect(await page.evaluate(() => Object.values({ ...localStorage }).join())).not.toContain(
    dashboard.reveille.adminToken,
  );
  expect(await page.context().cookies()).toEqual([]);

  const otherTab = await page.context().newPage();
  await otherTab.goto("/");
  await otherTab.getByLabel("Token").waitFor();
});

it("forgets the token on sign-out", async () => {
  const page = await dashboard.open();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  await page.reload();
  await page.getByLabel("Token").waitFor();
});

it("asks for a token again when the current one is no longer accepted", async () => {
  const page = await dashboard.open("#/jobs", { token: "expired" });
  await page.getByText("You were signed out: Invalid or expired token.").waitFor();
});

it("offers a viewer no action that changes anything", async () => {
  const job = await dashboard.makeJob({ name: "Read only", schedule: { every: "1h" } });
  const minted = await dashboard.call("/v1/tokens", { role: "viewer", expires_in: "1h" });
  const page = await dashboard.open("#/jobs", { token: String(minted.token) });
  await page.getByRole("link", { name: "Read only" }).waitFor();
  expect(await page.getByRole("button", { name: /^(Run|Pause) / }).count()).toBe(0);
  expect(await page.getByRole("link", { name: /New job|Tokens/ }).count()).toBe(0);
  await page.goto(`/#/jobs/${job.id}`);
  await page.getByRole("heading", { name: "Read only" }).waitFor();
  expect(await page.getByRole("button", { name: /Run now|Pause|Delete/ }).count()).toBe(0);
});
