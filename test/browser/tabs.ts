/**
 * Tabs of one service's dashboard. A test finds each one as if it were new, but most were used before: what a new one costs Chromium
 * is four times what it costs to show a page.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { sharedChromium } from "./chromium.ts";

/** How long a page may take to show something on a busy machine. */
const PATIENCE_MS = 30_000;
/** A page of the service's origin in which nothing runs. */
const STILL = "/favicon.svg";

export type TabOptions = {
  readonly timezone?: string;
  readonly theme?: "light" | "dark";
  readonly width?: number;
  /** Another token than the operator's; null is nobody's. */
  readonly token?: string | null;
};

type Tab = {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly noise: string[];
  readonly rest: () => void;
};

/** Tabs of all services that a test has open. */
const inUse: Tab[] = [];

/** Checks that no tab has made noise, and puts them aside for the next test. Called after each. */
export async function putTabsAside(): Promise<void> {
  const used = inUse.splice(0);
  for (const { context, page, rest } of used) {
    try {
      await context.setOffline(false);
      for (const other of context.pages()) if (other !== page) await other.close();
      await page.mouse.move(0, 0);
      await page.goto(STILL);
      await context.clearCookies();
      await context.clearPermissions();
      rest();
    } catch {
      // The service is gone, or the test has closed the tab.
      await context.close();
    }
  }
  for (const { noise } of used) expect(noise.splice(0)).toEqual([]);
}

export class Tabs {
  readonly #origin: string;
  readonly #resting = new Map<string, Tab[]>();
  readonly #contexts: BrowserContext[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** A tab that knows nothing but `token`, at `place` (`#/jobs`). */
  async open(place: string, token: string | null, options: TabOptions = {}): Promise<Page> {
    const { timezone = "Europe/Berlin", theme = "light", width = 1280 } = options;
    const kind = JSON.stringify([timezone, theme, width]);
    const resting = this.#resting.get(kind) ?? [];
    this.#resting.set(kind, resting);
    const tab = resting.pop() ?? (await this.#open(await sharedChromium(), { timezone, theme, width }, resting));
    inUse.push(tab);
    const { page } = tab;
    // Any file of this origin gives access to its storage.
    await page.goto(STILL);
    await page.evaluate((pasted) => {
      localStorage.clear();
      sessionStorage.clear();
      if (pasted !== null) sessionStorage.setItem("reveille.token", pasted);
    }, token);
    await page.goto(`/${place}`);
    return page;
  }

  async #open(
    browser: Browser,
    { timezone, theme, width }: { timezone: string; theme: "light" | "dark"; width: number },
    resting: Tab[],
  ): Promise<Tab> {
    const context = await browser.newContext({
      baseURL: this.#origin,
      timezoneId: timezone,
      colorScheme: theme,
      viewport: { width, height: 860 },
    });
    this.#contexts.push(context);
    context.setDefaultTimeout(PATIENCE_MS);
    const noise = noiseOf(context, this.#origin);
    const tab: Tab = { context, page: await context.newPage(), noise, rest: () => void resting.push(tab) };
    return tab;
  }

  async close(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
  }
}

/** Nothing is printed to the console, nothing throws, nothing is fetched from elsewhere: on any page of any test. */
function noiseOf(context: BrowserContext, origin: string): string[] {
  const noise: string[] = [];
  context.on("console", (message) => {
    // Chromium itself prints a line for every answer that is an error; the page cannot keep it from that.
    if (!message.text().startsWith("Failed to load resource")) noise.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => noise.push(`thrown: ${error.error().message}`));
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) noise.push(`fetched: ${request.url()}`);
  });
  return noise;
}
