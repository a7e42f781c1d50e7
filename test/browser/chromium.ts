/** Debian's Chromium without a window, knowing nothing and calling nobody by itself. */
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./chromium-path.ts";

/** Starts it with a new empty profile; the caller closes it. */
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

/** The one Chromium of this process, which ends with it: files that the process runs one after another share it. */
export function sharedChromium(): Promise<Browser> {
  shared ??= launchChromium();
  return shared;
}
