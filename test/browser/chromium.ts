/** Debian's Chromium without a window, with an empty profile and no calls of its own. */
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./chromium-path.ts";

/** Starts Chromium with a new empty profile. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error("Chromium is not installed: apt-get install -y chromium");
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

let shared: Promise<Browser> | undefined;

/** The only Chromium of this process, which ends with it. The process's test files share it. */
export function sharedChromium(): Promise<Browser> {
  shared ??= launchChromium();
  return shared;
}
