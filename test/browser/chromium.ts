/** Debian's Chromium without a window, knowing nothing and calling nobody by itself. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

/** Starts it with a new empty profile; the caller closes it. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath(),
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

/** Debian's, or what goes by one of Chromium's names on PATH. */
function chromiumPath(): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
  const candidates = ["/usr/bin/chromium", ...names.flatMap((name) => folders.map((folder) => join(folder, name)))];
  const found = candidates.find(isExecutable);
  if (found === undefined) throw new Error("Chromium is not installed: apt-get install -y chromium");
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
