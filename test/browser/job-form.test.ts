import { expect, it } from "vitest";
import { eventually } from "../system/harness/index.ts";
import { startDashboard } from "./dashboard.ts";

const dashboard = await startDashboard();

const idIn = (url: string): string => /^#\/jobs\/([^/?]+)/.exec(new URL(url).hash)?.[1] ?? "";

it("creates a calendar job, keeps choices and expression in step, and shows the next fires", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Name", { exact: true }).fill("Digest");
  const cron = page.getByLabel("Cron expression");
  await page.getByLabel("Rhythm").selectOption("weekly");
  await page.getByRole("group", { name: "On" }).getByText("Sat").click();
  await page.getByLabel("At", { exact: true }).fill("07:45");
  expect(await cron.inputValue()).toBe("45 7 * * 1-6");

  await cron.fill("15 6 L * *");
  expect(await page.getByLabel("Rhythm").inputValue()).toBe("monthly");
  expect(await page.getByLabel("Day", { exact: true }).inputValue()).toBe("L");
  await cron.fill("0 9-17/2 * * 1#2");
  expect(await page.getByLabel("Rhythm").inputValue()).toBe("own");

  await cron.fill("0 8 * * 1");
  const preview = page.getByRole("complementary", { name: "Next runs" });
  await preview.getByText("At 08:00, on Monday (Europe/Berlin)").waitFor();
  expect(await preview.getByRole("list").first().getByRole("listitem").allTextContents()).toSatisfy(
    (fires: string[]) => fires.length === 5 && fires.every((fire) => /^Mon \d+ \w+ (\d{4} )?08:00/.test(fire)),
  );
  await page.getByLabel("Message").fill("Write the digest.");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.getByRole("heading", { name: "Digest" }).waitFor();
  const job = await dashboard.call(`/v1/jobs/${idIn(page.url())}`);
  expect(job).toMatchObject({
    name: "Digest",
    message: "Write the digest.",
    schedule: { cron: "0 8 * * 1", timezone: "Europe/Berlin" },
  });
});

it("creates an interval job and a one-time job", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Name", { exact: true }).fill("Often");
  await page.getByLabel("Message").fill("Look.");
  await page.getByRole("radio", { name: /At an interval/ }).check();
  await page.getByLabel("Every", { exact: true }).fill("90");
  await page.getByLabel("Unit").selectOption("s");
  expect(await page.getByLabel("Duration").inputValue()).toBe("90s");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.getByRole("heading", { name: "Often" }).waitFor();
  expect(await dashboard.call(`/v1/jobs/${idIn(page.url())}`)).toMatchObject({ schedule: { every: "90s" } });

  await page.goto("/#/new");
  await page.getByLabel("Name", { exact: true }).fill("Once");
  await page.getByLabel("Message").fill("Look.");
  await page.getByRole("radio", { name: /Once/ }).check();
  await page.getByLabel("At (Berlin time)").fill("2031-07-01T09:30");
  expect(await page.getByLabel("Instant").inputValue()).toBe("2031-07-01T09:30:00+02:00");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.getByRole("heading", { name: "Once" }).waitFor();
  expect(await dashboard.call(`/v1/jobs/${idIn(page.url())}`)).toMatchObject({
    next_run_at: "2031-07-01T07:30:00.000Z",
  });
});

it("shows the API's errors at their fields", async () => {
  const page = await dashboard.open("#/new");
  const cron = page.getByLabel("Cron expression");
  await cron.fill("61 9 * * *");
  await page.getByText(/61/).first().waitFor();
  await page.locator("input[aria-invalid=true]").waitFor();
  expect(await cron.getAttribute("aria-invalid")).toBe("true");
  await cron.fill("0 0 30 2 *");
  await page.getByText(/never fires/).waitFor();
  await cron.fill("0 9 * * *");
  await page.getByLabel("Time zone").fill("Europe/Berlinn");
  await page
    .getByText(/Europe\/Berlinn/)
    .first()
    .waitFor();
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  // The error takes room. If it went during the click, the button would move away from under it.
  await page
    .getByText(/Europe\/Berlinn/)
    .first()
    .waitFor({ state: "hidden" });

  await page.getByRole("button", { name: "Create job" }).click();
  const name = page.getByLabel("Name", { exact: true });
  await page.getByRole("alert").waitFor();
  expect(await name.getAttribute("aria-invalid")).toBe("true");
  await name.fill("Named");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.locator("textarea[aria-invalid=true]").waitFor();
  expect(await page.getByLabel("Message").getAttribute("aria-invalid")).toBe("true");
});

it("points out the effect of a clock change", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Time zone").fill("America/New_York");
  await page.getByLabel("Cron expression").fill("30 2 * * *");
  const preview = page.getByRole("complementary", { name: "Next runs" });
  await preview.getByText(/New York's clocks go (forward|back) on Sun/).waitFor();
  await preview
    .getByText(/UTC-04:00/)
    .first()
    .waitFor();
  await preview
    .getByText(/UTC-05:00/)
    .first()
    .waitFor();
});

it("marks a clock change between two fires", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByLabel("Cron expression").fill("0 12 1 1,7 *");
  await page
    .getByText(/The clocks change here: UTC\+0\d:00 to UTC\+0\d:00/)
    .first()
    .waitFor();
});

it("saves only changed fields", async () => {
  const made = await dashboard.makeJob({
    name: "Before",
    schedule: { every: "1h" },
    labels: { a: "1", b: "2" },
    payload: { deep: [1] },
  });
  const { next_run_at } = await dashboard.call(`/v1/jobs/${made.id}`);
  const page = await dashboard.open(`#/jobs/${made.id}/edit`);
  await page.getByLabel("Name", { exact: true }).fill("After");
  await page.getByText("Retries, limits, labels, payload").click();
  await page.getByLabel("Labels").fill("b: 3");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "After" }).waitFor();
  expect(await dashboard.call(`/v1/jobs/${made.id}`)).toMatchObject({
    name: "After",
    labels: { b: "3" },
    payload: { deep: [1] },
    next_run_at,
  });
  expect(await dashboard.call(`/v1/jobs/${made.id}`)).not.toHaveProperty("labels.a");

  await page.goto(`/#/jobs/${made.id}/edit`);
  await page.getByRole("radio", { name: /By calendar/ }).check();
  await page.getByLabel("Cron expression").fill("0 5 * * *");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "After" }).waitFor();
  expect((await dashboard.call(`/v1/jobs/${made.id}`)).schedule).toEqual({
    cron: "0 5 * * *",
    timezone: "Europe/Berlin",
  });
});

it("does not overwrite changes that somebody else has made meanwhile", async () => {
  const made = await dashboard.makeJob({ name: "Contended", schedule: { every: "1h" } });
  const page = await dashboard.open(`#/jobs/${made.id}/edit`);
  await page.getByLabel("Name", { exact: true }).fill("Mine");
  await dashboard.reveille.api(`/v1/jobs/${made.id}`, { method: "PATCH", json: { name: "Theirs" } });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("The job has changed").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  const name = page.getByLabel("Name", { exact: true });
  await eventually("their name", async () => (await name.inputValue()) === "Theirs");
});

it("creates a job by a rule, keeps choices and rule in step, and shows exclusions and warnings during typing", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Name", { exact: true }).fill("Fortnightly");
  await page.getByLabel("Message").fill("Review.");
  await page.getByRole("radio", { name: /By a rule/ }).check();
  await page.getByLabel("At", { exact: true }).fill("14:00");
  const rule = page.getByLabel("Rule", { exact: true });
  expect(await rule.inputValue()).toBe("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0");
  const preview = page.getByRole("complementary", { name: "Next runs" });
  await preview.getByText("Every 2 weeks, on Tuesday, at 14:00 (Europe/Berlin)").waitFor();
  await page.getByText("Exclusions, jitter and limits").click();
  await page.getByLabel("Not on").fill("2026-12-24/2027-01-06\nSAT");
  await preview.getByText(/except from 2026-12-24 through 2027-01-06 and on Saturday/).waitFor();
  await page.getByLabel("Time zone").fill("");
  await preview
    .getByRole("list", { name: "Please check" })
    .getByText(/the hours are UTC/)
    .waitFor();
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.getByLabel("Not on").fill("never");
  await page
    .getByText(/"never" is not an exclusion/)
    .first()
    .waitFor();
  await page.getByLabel("Not on").fill("SAT");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.getByRole("heading", { name: "Fortnightly" }).waitFor();
  const made = await dashboard.call(`/v1/jobs/${idIn(page.url())}`);
  expect(made.schedule).toEqual({
    rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0",
    timezone: "Asia/Tokyo",
    exclude: ["SAT"],
  });
});

it("creates a job after a delay and a manual job, and a changed kind keeps the zone only if it takes one", async () => {
  const page = await dashboard.open("#/new");
  await page.getByLabel("Name", { exact: true }).fill("Soon");
  await page.getByLabel("Message").fill("Look.");
  await page.getByRole("radio", { name: /In a while/ }).check();
  await page.getByRole("group", { name: "In" }).getByRole("button", { name: "1d" }).click();
  expect(await page.getByLabel("Delay").inputValue()).toBe("1d");
  await page.getByRole("button", { name: "Create job" }).click();
  await page.getByRole("heading", { name: "Soon" }).waitFor();
  const soon = await dashboard.call(`/v1/jobs/${idIn(page.url())}`);
  expect(soon.schedule).toEqual({ at: expect.stringMatching(/^20/) });

  await page.goto(`/#/jobs/${idIn(page.url())}/edit`);
  await page.getByRole("radio", { name: /By hand/ }).check();
  await page.getByText("Never by itself, only when it is run or triggered").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Soon" }).waitFor();
  await page.getByText("Never by itself, only when it is run or triggered").first().waitFor();
  expect((await dashboard.call(`/v1/jobs/${soon.id}`)).schedule).toEqual({ manual: true });
});
