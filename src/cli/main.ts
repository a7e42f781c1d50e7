#!/usr/bin/env node
/** The command `reveille`. */
import packageJson from "../../package.json" with { type: "json" };
import { start } from "./commands/start.ts";
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

// If the reader goes away (`| head`), the command ends silently. Any other write error ends it with the reason. Neither
// prints a stack.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`stdout cannot be written: ${error.message}\n`);
  process.exit(1);
});
process.stderr.on("error", () => undefined);
const words = process.argv.slice(2);
// The service needs none of the other commands, which take a tenth of a second to load.
const commands = words.join() === "start" ? [start] : (await import("./commands/all.ts")).COMMANDS;
process.exitCode = await run(commands, words, processTerminal(), packageJson.version);
