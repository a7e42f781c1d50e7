import { expect, it } from "vitest";
import { startDashboard } from "./dashboard.ts";

const dashboard = await startDashboard({
  script: ({ body }) => {
    if (body.type !== "chat") return {};
    const isDecision = body.data.session_id?.includes("decision") ?? false;
    return {
      body: {
        text: isDecision
          ? JSON.stringify({ action: "run", reason: "The build is red." })
          : "The build has been red since nine.",
      },
    };
  },
});

it("creates a heartbeat, writes its document, beats now, and shows the decision and its reason", async () => {
  const page = await dashboard.open("#/heartbeats");
  await page.getByRole("heading", { name: "No heartbeats yet" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("main");
  await page.getByRole("button", { name: "Create heartbeat" }).click();
  await page.getByRole("heading", { name: "main" }).waitFor();

  await page.getByLabel("HEARTBEAT.md").fill("- watch the build\n");
  await page.getByRole("button", { name: "Save document" }).click();
  await page.getByRole("status").getByText("The document was saved").waitFor();
  expect(await (await dashboard.reveille.api("/v1/heartbeats/main/document")).text()).toBe("- watch the build\n");

  await page.getByRole("button", { name: "Beat now" }).click();
  await page.getByText("The build is red.").waitFor();
  expect(await page.getByLabel("Answer").inputValue()).toBe("The build has been red since nine.");
});

it("changes the configuration, and shows errors at their field", async () => {
  await dashboard.reveille.api("/v1/heartbeats/second", { method: "PUT", json: { every: "30m" } });
  const page = await dashboard.open("#/heartbeats/second");
  const every = page.getByLabel("Every", { exact: true });
  await every.fill("5s");
  await page.getByRole("button", { name: "Save configuration" }).click();
  await page.getByRole("alert").waitFor();
  expect(await every.getAttribute("aria-invalid")).toBe("true");
  await every.fill("1h");
  await page.getByLabel("Active from").fill("08:00");
  await page.getByLabel("Active until").fill("22:00");
  await page.getByRole("button", { name: "Save configuration" }).click();
  await page.getByRole("status").getByText("The configuration was saved").waitFor();
  expect(await dashboard.call("/v1/heartbeats/second")).toMatchObject({
    every: "1h",
    active_hours: { start: "08:00", end: "22:00" },
  });
});
