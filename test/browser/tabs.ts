/**
 * Tabs of one service's dashboard. A test gets each tab in a new state, but most were used before, because opening a tab costs Chromium
 * four times as much as showing a page.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { sharedChromium } from "./chromium.ts";

/** How long a page may take to show something on a busy machine. */
const PATIENCE_MS = 30_000;
/** A page of the service's origin without scripts. */
const STILL = "/favicon.svg";

export type TabOptions = {
  readonly timezone?: string;
  readonly theme?: "light" | "dark";
  readonly width?: number;
  /** A token instead of the operator's. With null, nobody is signed in. */
  readonly token?: string | null;
};

type Tab = {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly noise: string[];
  readonly rest: () => void;
};

/** The open tabs of a test, of all services. */
const inUse: Tab[] = [];

/** Checks that no tab has reported an error, and keeps the tabs for the next test. It is called after each test. */
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

  /** A tab with storage that holds only `token`, at `place` (`#/jobs`). */
  async open(place: string, token: string | null, options: TabOptions = {}): Promise<Page> {
    const { timezone = "Europe/Berlin", theme = "light", width = 1280 } = options;
    const kind = JSON.stringify([timezone, theme, width]);
    const resting = this.#resting.get(kind) ?? [];
    this.#resting.set(kind, resting);
    const tab = resting.pop() ?? (await this.#open(await sharedChromium(), { timezone, theme, width }, resting));
    inUse.push(tab);
    const { page } = tab;
    // Every file of this origin gives access to its storage.
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

/** Records console output, thrown errors and fetches from elsewhere, which no page of any test may cause. */
function noiseOf(context: BrowserContext, origin: string): string[] {
  const noise: string[] = [];
  context.on("console", (message) => {
    // Chromium itself prints a line for every error answer, which the page cannot prevent.
    if (!message.text().startsWith("Failed to load resource")) noise.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => noise.push(`thrown: ${error.error().message}`));
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) noise.push(`fetched: ${request.url()}`);
  });
  return noise;
}
