#!/usr/bin/env node
// The command: in the package what was built of it, in a clone its sources, which Node 24 (a development dependency) runs as they are.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as module from "node:module";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

// Node keeps what it compiled, and what it made of TypeScript: the next command starts in half the time. Node 20 has no such cache.
module.enableCompileCache?.();

const sources = new URL("../src/cli/main.ts", import.meta.url);
if (!existsSync(sources)) await import("../dist/package/cli.js");
else if (process.features.typescript) await import(sources.href);
else {
  const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  const child = spawn(node, [fileURLToPath(sources), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends a Ctrl-C to both processes. Other signals, and each without a terminal, come to this one alone and are passed on.
  const hasTerminal = [0, 1, 2].some((stream) => isatty(stream));
  process.on("SIGINT", () => hasTerminal || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`${error.message}. Run npm ci first.\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}
