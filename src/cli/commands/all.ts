/** Every command, in the order in which the help shows them. */
import type { Command } from "../command.ts";
import { agentCommands } from "./agents.ts";
import { completion } from "./completion.ts";
import { connect } from "./connect.ts";
import { events } from "./events.ts";
import { forecast } from "./forecast.ts";
import { jobReadCommands } from "./jobs-read.ts";
import { jobWriteCommands } from "./jobs-write.ts";
import { login, logout, whoami } from "./login.ts";
import { doctor, smoke } from "./operator.ts";
import { apply, plan } from "./plan.ts";
import { preview } from "./preview.ts";
import { start } from "./start.ts";
import { tail } from "./tail.ts";
import { tokenCommands } from "./tokens.ts";
import { exportJobs, importJobs } from "./transfer.ts";

export const COMMANDS: readonly Command[] = [
  start,
  login,
  logout,
  whoami,
  ...jobReadCommands,
  ...jobWriteCommands,
  preview,
  forecast,
  events,
  tail,
  connect,
  plan,
  apply,
  importJobs,
  exportJobs,
  ...tokenCommands,
  ...agentCommands,
  doctor,
  smoke,
  completion(() => COMMANDS),
];
