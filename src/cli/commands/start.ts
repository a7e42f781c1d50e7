/** `reveille start`: the whole service on this machine. */
import type { Command } from "../command.ts";

/** Waits for ever. A signal ends the command, with the code that `local/serve.ts` gives it. */
const untilASignal = new Promise<undefined>(() => undefined);

export const start: Command = {
  name: "start",
  summary: "Run the whole service on this machine",
  about: [
    "Jobs are kept in DATA_DIR (.reveille). Settings come from the environment or .dev.vars: PORT (8787), AGENT_URL and AGENT_SECRET",
    "(unset: an example agent is started), ADMIN_TOKEN, TOKEN_SECRET and the others of docs/operations.md. Ctrl-C stops it.",
  ].join("\n"),
  examples: [
    "reveille start",
    "PORT=9001 reveille start",
    "AGENT_URL=http://127.0.0.1:9000/ AGENT_SECRET=whsec_... reveille start",
  ],
  async run() {
    const { serve } = await import("../../../local/serve.ts");
    const { workerHere } = await import("../../../local/worker-here.ts");
    await serve(workerHere);
    return untilASignal;
  },
};
