/** The dashboard in a real Chromium against a real `npm start`, with an agent whose answers the test decides. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterEach, expect } from "vitest";
import * as z from "zod";
import {
  type Agent,
  atEnd,
  type Reveille,
  type Script,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../system/harness/index.ts";
import { launchChromium } from "./chromium.ts";

/** How long a page may take to show something on a busy machine. */
const PATIENCE_MS = 30_000;

const anything = z.record(z.string(), z.unknown());
const made = z.object({ id: z.string() });

export type Dashboard = {
  /** The service; another one after a restart. */
  readonly reveille: Reveille;
  readonly agent: Agent;
  /** Makes a job over the API and returns it. */
  makeJob(body: object): Promise<{ readonly id: string }>;
  /** What a call to the API answers, POST where there is a body. */
  call(path: string, json?: object): Promise<Record<string, unknown>>;
  /** Kills the service, as a power cut would, and starts it again where it was. */
  restart(): Promise<void>;
  /** A new tab of a browser that knows nothing, signed in as the operator, at `place` (`#/jobs`). */
  open(place?: string, options?: OpenOptions): Promise<Page>;
};

export type OpenOptions = {
  readonly timezone?: string;
  readonly theme?: "light" | "dark";
  readonly width?: number;
  /** Another token than the operator's; null is nobody's. */
  readonly token?: string | null;
};

export type StartOptions = { readonly script?: Script; readonly env?: Readonly<Record<string, string>> };

/** Starts the service, an agent and a browser; all end with the test file. */
export async function startDashboard({ script, env = {} }: StartOptions = {}): Promise<Dashboard> {
  const agent = await startAgent(script);
  const dataDir = await temporaryFolder();
  const start = (port?: number) =>
    startReveille({
      dataDir,
      ...(port === undefined ? {} : { port }),
      env: { ADMIN_TOKEN: "the-operator", AGENT_URL: agent.url, AGENT_SECRET: agent.secret, ...env },
    });
  const [first, browser] = await Promise.all([start(), launchChromium()]);
  atEnd(() => browser.close());
  let reveille = first;
  const call: Dashboard["call"] = async (path, json) => {
    const response = await reveille.api(path, json === undefined ? {} : { json });
    expect(response.ok, `${path} answers ${response.status}`).toBe(true);
    return anything.parse(await response.json());
  };
  return {
    get reveille() {
      return reveille;
    },
    agent,
    async restart() {
      await reveille.kill("SIGKILL");
      reveille = await start(reveille.port);
    },
    async makeJob(body) {
      return made.parse(await call("/v1/jobs", { message: "Do it.", ...body }));
    },
    call,
    open: (place, options) => openPage(browser, reveille, place, options),
  };
}

async function openPage(
  browser: Browser,
  reveille: Reveille,
  place = "#/jobs",
  { timezone = "Europe/Berlin", theme = "light", width = 1280, token = reveille.adminToken }: OpenOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    baseURL: reveille.url,
    timezoneId: timezone,
    colorScheme: theme,
    viewport: { width, height: 860 },
  });
  context.setDefaultTimeout(PATIENCE_MS);
  refuseNoise(context, reveille.url);
  const page = await context.newPage();
  if (token !== null) {
    // Any file of this origin gives access to its storage.
    await page.goto("/favicon.svg");
    await page.evaluate((pasted) => sessionStorage.setItem("reveille.token", pasted), token);
  }
  await page.goto(`/${place}`);
  return page;
}

/** Nothing is printed to the console, nothing throws, nothing is fetched from elsewhere: on any page of any test. */
function refuseNoise(context: BrowserContext, origin: string): void {
  const noise: string[] = [];
  context.on("console", (message) => {
    // Chromium itself prints a line for every answer that is an error; the page cannot keep it from that.
    if (!message.text().startsWith("Failed to load resource")) noise.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => noise.push(`thrown: ${error.error().message}`));
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) noise.push(`fetched: ${request.url()}`);
  });
  open.push({ context, noise });
}

const open: { readonly context: BrowserContext; readonly noise: readonly string[] }[] = [];

afterEach(async () => {
  for (const { context, noise } of open.splice(0)) {
    await context.close();
    expect(noise).toEqual([]);
  }
});
