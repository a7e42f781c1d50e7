#!/usr/bin/env node
/** The command `reveille`. */
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "./commands/all.ts";
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
process.exitCode = await run(COMMANDS, process.argv.slice(2), processTerminal(), packageJson.version);
