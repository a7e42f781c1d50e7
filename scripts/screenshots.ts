/**
 * Takes pictures of the dashboard for docs/images: `npm run screenshots`. They show a real service with jobs, runs and a
 * heartbeat that are made for them. It needs Chromium.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.ts";
import { makeSampleJobs, type SampleJobs } from "./sample-jobs.ts";

const ROOT = resolve(import.meta.dirname, "..");
const IMAGES = join(ROOT, "docs/images");
const TOKEN = "operator";
const AGENT_SECRET = "whsec_c2NyZWVuc2hvdHMgb2YgdGhlIGRhc2hib2FyZA==";
const ZONE = "Europe/Berlin";

const stops: (() => Promise<void>)[] = [];
try {
  const agentUrl = await startAgent();
  const url = await startService(agentUrl);
  await takePictures(url, await makeSampleJobs(url, TOKEN));
} finally {
  for (const stop of stops.toReversed()) await stop();
}

/** An agent that succeeds and fails. */
async function startAgent(): Promise<string> {
  let calls = 0;
  const server = createServer(async (request, response) => {
    const { type, data } = JSON.parse(await bodyOf(request));
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (type === "chat") {
      const isDecision = data.session_id.includes("decision");
      const decision = { action: "run", reason: "The landlord has written about the boiler; nobody has answered yet." };
      return answer(200, {
        text: isDecision ? JSON.stringify(decision) : "The landlord comes on Thursday at 10:00. Shall I confirm?",
      });
    }
    const call = ++calls;
    if (data.job.name === "Crawl the forum") await sleep(4_600);
    if (data.job.name === "Price watch") {
      await sleep(150 + ((call * 7_919) % 900));
      if (call % 9 === 4) return answer(400, { error: "the shop does not know SKU 4411" });
      if (call % 7 === 2 && data.run.attempt === 1) return answer(503, {});
    }
    if (data.job.name === "Read the annual reports") return answer(202, {});
    const reveille = { cost_usd: 0.02 + (call % 5) / 100, tokens: 900 + call * 10 };
    return answer(200, { checked: 412, changed: call % 9, reveille });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address and a port");
  return `http://127.0.0.1:${address.port}/`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** `npm start` with its own storage. It ends and is removed together with this process. */
async function startService(agentUrl: string): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "reveille-screenshots-"));
  const child = spawn(process.execPath, ["bin/reveille.mjs", "start"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PORT: "0", DATA_DIR: dataDir, ADMIN_TOKEN: TOKEN, AGENT_URL: agentUrl, AGENT_SECRET },
  });
  stops.push(async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
    await rm(dataDir, { recursive: true, force: true });
  });
  return new Promise((ready, fail) => {
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const url = /^Ready on (\S+)$/m.exec(printed)?.[1];
      if (url !== undefined) ready(url);
    });
    child.once("exit", () => fail(new Error(`npm start ended: ${printed}`)));
  });
}

/** Takes one picture of each important page. */
async function takePictures(url: string, { priceWatch, crawl }: SampleJobs): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const browser = await launchChromium();
  stops.push(() => browser.close());
  const take = async (
    name: string,
    place: string,
    until: (page: Page) => Promise<unknown>,
    { theme = "light", width = 1280, height = 800 }: { theme?: "light" | "dark"; width?: number; height?: number } = {},
  ) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: ZONE });
    const page = await context.newPage();
    await page.goto(`${url}/favicon.svg`);
    await page.evaluate((token) => sessionStorage.setItem("reveille.token", token), TOKEN);
    await page.goto(`${url}/${place}`);
    await until(page);
    await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    await context.close();
  };

  const crawled = (page: Page) =>
    page.getByRole("listbox", { name: /^Timeline of [2-9]\d runs/ }).waitFor({ timeout: 90_000 });
  await take("job-skips", `#/jobs/${crawl}`, crawled, { height: 400 });
  await take("overview", "", async (page) => {
    await page.getByRole("list", { name: "Running now" }).waitFor();
    await page.getByRole("table", { name: "Next due" }).waitFor();
    await page.getByRole("table", { name: "Runs" }).waitFor();
  });
  await take("jobs", "#/jobs", async (page) => {
    await page
      .getByRole("img", { name: /^Last 20 runs/ })
      .nth(1)
      .waitFor();
    await page.getByRole("img", { name: "Last runs are being loaded" }).first().waitFor({ state: "detached" });
  });
  // This job would hide every other job's fires in the forecast.
  await fetch(`${url}/v1/jobs/${crawl}/pause`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}` } });
  const openRun = async (page: Page) => {
    await page.getByRole("row", { name: /error/ }).first().getByRole("button").click();
    await page.getByRole("region", { name: "Run", exact: true }).getByText("Session").waitFor();
  };
  await take("job", `#/jobs/${priceWatch}`, openRun, { theme: "dark", height: 900 });
  await take("new-job", "#/new", (page) => page.getByText("At 09:00, Monday through Friday").waitFor(), {
    height: 900,
  });
  const counted = async (page: Page) => {
    await page.getByText(/fires of \d+ active jobs in 24 hours$/).waitFor();
    await page.getByRole("img", { name: /^Cost by day/ }).waitFor();
  };
  await take("forecast", "#/forecast", counted, { theme: "dark", height: 1_240 });
  await take("heartbeat", "#/heartbeats/main", (page) => page.getByText("nobody has answered yet").waitFor());
  await take("narrow", `#/jobs/${priceWatch}`, (page) => page.getByRole("row").nth(3).waitFor(), {
    width: 390,
    height: 780,
  });
}
