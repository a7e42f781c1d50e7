/** Every command, in the order in which the help shows them. */
import type { Command } from "../command.ts";
import { start } from "./start.ts";

export const COMMANDS: readonly Command[] = [start];
