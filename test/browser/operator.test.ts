import { expect, it } from "vitest";
import { eventually } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

const dashboard = await startDashboard();

it("shows and changes the roster of users", async () => {
  const page = await dashboard.open("#/users");
  await page.getByRole("heading", { name: "No users yet" }).waitFor();
  await page.getByLabel("User ids").fill("alice\nbob");
  await page.getByRole("button", { name: "Add 2 users" }).click();
  await page.getByRole("row", { name: /alice/ }).getByText("active", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Deactivate bob" }).click();
  await page.getByRole("row", { name: /bob/ }).getByText("inactive").waitFor();
  expect(await dashboard.call("/v1/users/bob")).toMatchObject({ active: false });
  await page.getByRole("button", { name: "Inactive", exact: true }).click();
  await eventually("only bob", async () => (await page.getByRole("row").count()) === 2);
  await page.getByRole("button", { name: "Remove bob" }).click();
  await page.getByRole("row", { name: /bob/ }).waitFor({ state: "detached" });
  expect((await dashboard.reveille.api("/v1/users/bob")).status).toBe(404);
});

it("registers an agent and shows its secret once", async () => {
  const page = await dashboard.open("#/agents");
  await page.getByLabel("Id", { exact: true }).fill("research");
  await page.getByLabel("URL").fill("ftp://example.com");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("alert").waitFor();
  expect(await page.getByLabel("URL").getAttribute("aria-invalid")).toBe("true");
  await page.getByLabel("URL").fill(dashboard.agent.url);
  await page.getByRole("button", { name: "Register" }).click();
  const dialog = page.getByRole("dialog", { name: "The secret of research" });
  expect(await dialog.getByLabel("Secret", { exact: true }).inputValue()).toMatch(/^whsec_/);
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("row", { name: /research/ }).waitFor();
  await page.reload();
  await page.getByRole("row", { name: /research/ }).waitFor();
  expect(await page.content()).not.toContain("whsec_");
  await page.getByRole("button", { name: "Remove research" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove agent" }).click();
  await page.getByRole("row", { name: /research/ }).waitFor({ state: "detached" });
});

it("shows an agent's delivery, the result of a test call, its jobs, and its failures", async () => {
  const page = await dashboard.open("#/agents");
  await page.getByLabel("Id", { exact: true }).fill("tester");
  await page.getByLabel("URL").fill(dashboard.agent.url);
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await dashboard.makeJob({ name: "Of the tester", schedule: { manual: true }, agent_id: "tester" });
  await page.getByRole("link", { name: "tester" }).click();
  await page.getByRole("heading", { name: "tester", level: 1 }).waitFor();
  await page.getByText(dashboard.agent.url).waitFor();
  await page.getByRole("button", { name: "Send a test call" }).click();
  await page.getByText(/^answered 200 in /).waitFor();
  await page.getByRole("table", { name: "Jobs" }).getByRole("link", { name: "Of the tester" }).waitFor();
  await page.getByText("No run has failed.").waitFor();
});

it("registers an agent without an address, and says how to connect it", async () => {
  const page = await dashboard.open("#/agents");
  await page.getByLabel("Id", { exact: true }).fill("at-home");
  await page.getByLabel("Delivery").selectOption("pull");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("row", { name: /at-home mailbox · not connected · 0 waiting/ }).waitFor();
  await page.getByRole("link", { name: "at-home" }).click();
  expect(await page.getByLabel("Command", { exact: true }).inputValue()).toBe(
    'npx reveille connect --agent at-home --exec "./agent.sh"',
  );
  const job = await dashboard.makeJob({ name: "Waits", schedule: { manual: true }, agent_id: "at-home" });
  await dashboard.reveille.api(`/v1/jobs/${job.id}/run`, { method: "POST" });
  await page.getByText("1 run", { exact: true }).waitFor();
});

it("creates a token that works, shows it once, lists it, and revokes it", async () => {
  const page = await dashboard.open("#/tokens");
  await page.getByLabel("Role").selectOption("user");
  await page.getByRole("button", { name: "Create token" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("User", { exact: true }).fill("alice");
  await page.getByLabel("Name", { exact: true }).fill("laptop of Ada");
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.getByRole("dialog", { name: "The token" }).getByLabel("Token", { exact: true }).inputValue();
  expect((await dashboard.reveille.api("/v1/jobs", { token })).status).toBe(200);
  expect((await dashboard.reveille.api("/v1/users", { token })).status).toBe(403);

  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page
    .getByRole("row", { name: /laptop of Ada/ })
    .getByRole("button", { name: "Revoke laptop of Ada" })
    .click();
  await page.getByRole("row", { name: /laptop of Ada/ }).waitFor({ state: "detached" });
  await eventually(
    "the token is refused",
    async () => (await dashboard.reveille.api("/v1/jobs", { token })).status === 401,
    15_000,
  );
});

it("draws how many fires fall in each hour, and warns of a stampede", async () => {
  // Far from now, so that the drawn day has the whole hour.
  const hour = String((new Date().getUTCHours() + 12) % 24).padStart(2, "0");
  const next = String((new Date().getUTCHours() + 13) % 24).padStart(2, "0");
  for (let index = 0; index < 30; index++) {
    await dashboard.makeJob({ name: `On the hour ${index}`, schedule: { cron: `0 ${Number(hour)} * * *` } });
  }
  await dashboard.makeJob({ name: "Every ten minutes", schedule: { cron: "*/10 * * * *" } });
  await dashboard.makeJob({ name: "All the time", schedule: { every: "30s" } });
  const page = await dashboard.open("#/forecast", { timezone: "UTC" });
  await page.getByText(/^3,054 fires of \d+ active jobs in 24 hours$/).waitFor();
  await page.getByText(new RegExp(`^31 jobs fire in the one minute of .* ${hour}:00\\.$`)).waitFor();
  await page.getByText(/^Not drawn, since they fire more than once a minute: All the time \(2,880 fires\)$/).waitFor();
  await page.getByText("A minute with 8 times the fires of an average one.").waitFor();
  const full = page.getByRole("option", { name: new RegExp(`${hour}:00: 36 fires, at most 31 in one minute`) });
  expect(await full.getAttribute("aria-selected")).toBe("true");
  await page.getByRole("listbox", { name: "Fires by the hour" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("option", { name: new RegExp(`${next}:00: 6 fires`), selected: true }).waitFor();
  await page
    .getByRole("row", { name: /Every ten minutes/ })
    .first()
    .waitFor();
  const month = page.getByRole("region", { name: "The next 30 days" });
  await month
    .getByRole("status")
    .getByText(/^91,6\d\d runs$/)
    .waitFor();
  await month.getByRole("img", { name: /^Runs by day: .*3,054 runs/ }).waitFor();
  await month.getByRole("row", { name: /All the time 86,4\d\d|All the time 86,3\d\d/ }).waitFor();
});
