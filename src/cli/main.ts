#!/usr/bin/env node
/** The command `reveille`. */
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "./commands/all.ts";
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

// A reader that goes away (`| head`) ends the command, not with a stack.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await run(COMMANDS, process.argv.slice(2), processTerminal(), packageJson.version);
