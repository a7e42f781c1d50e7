/** `reveille connect`: an agent on this machine, without a public address. */

import { readDevVars } from "../../../local/dev-vars.ts";
import { type Connection, ConnectionRefused, connectAgent } from "../../agent-kit/connect-agent.ts";
import type { OnRun } from "../../agent-kit/run.ts";
import type { SocketClass } from "../../agent-kit/socket.ts";
import { messageOf } from "../../domain/text/error-text.ts";
import { type Command, Failure, type Given, UsageError } from "../command.ts";
import { controlIn, runProgram } from "../connect/exec.ts";
import { forward } from "../connect/forward.ts";
import { numberOf } from "../job-fields.ts";
import { checkedUrl, findAddress } from "../login.ts";
import { serviceAt } from "../service.ts";
import type { Terminal } from "../terminal.ts";

/** The default lease. It is short, so that the run of a dead machine is soon offered again. */
const DEFAULT_LEASE = "30s";

export const connect: Command = {
  name: "connect",
  summary: "Take an agent's runs here, and do them with a program or a local URL",
  about: [
    "--exec starts CMD for each run: the message on stdin; REVEILLE_SESSION_ID, REVEILLE_RUN_ID, REVEILLE_JOB_NAME and REVEILLE_PAYLOAD in",
    "the environment; stdout is the output, exit code 0 a success. --forward posts the run to URL, signed with AGENT_SECRET, and hands back",
    "the answer. The agent gets a mailbox if it has none. Ctrl-C begins no further run and lets running work end; a second one gives it back.",
  ].join("\n"),
  options: {
    agent: { type: "string", value: "ID", aliases: ["agent-id"], about: "The agent (required)" },
    exec: { type: "string", value: "CMD", about: "A command for the shell" },
    forward: { type: "string", value: "URL", about: "An address that this machine reaches" },
    concurrency: { type: "string", value: "N", about: "Runs at a time, 1 to 100 (1)" },
    lease: {
      type: "string",
      value: "DURATION",
      about: "How long a run stays ours without a sign of life, 10s to 1h (30s)",
    },
  },
  examples: [
    "reveille connect --agent laptop --exec 'claude -p --continue'",
    "reveille connect --agent laptop --exec ./agent.sh --concurrency 4",
    "AGENT_SECRET=whsec_... reveille connect --agent dev --forward http://127.0.0.1:9000/",
  ],
  async run(given, terminal) {
    const agent = given.text("agent");
    if (agent === undefined) throw new UsageError("--agent ID is missing: whose runs are to be done here?");
    const onRun = onRunOf(given, terminal);
    const concurrency = numberOf("concurrency", given.text("concurrency") ?? "1");
    const { url, token } = await findAddress(given, terminal);
    const Socket = await socketClass();
    const begin = (): Connection => {
      try {
        return connectAgent({
          ...{ url, token, agent, onRun, concurrency, lease: given.text("lease") ?? DEFAULT_LEASE },
          ...(Socket === undefined ? {} : { WebSocket: Socket }),
          onEvent: ({ kind, message }) => terminal.print(`${LABELS[kind]} ${message}`),
        });
      } catch (error) {
        throw new UsageError(messageOf(error));
      }
    };
    try {
      await untilEnded(begin(), terminal);
    } catch (error) {
      if (!(error instanceof ConnectionRefused)) throw error;
      if (error.problem?.code !== "agent_has_url") throw failureOf(error);
      await serviceAt({ url, token, source: "" }).send("PUT", `/v1/agents/${encodeURIComponent(agent)}`, {
        json: { delivery: "pull" },
      });
      terminal.warn(`${agent} was called at a URL; it has a mailbox now.`);
      await untilEnded(begin(), terminal).catch((again: unknown) => {
        throw again instanceof ConnectionRefused ? failureOf(again) : again;
      });
    }
    return 0;
  },
};

/** A library's WebSocket for Node 20, which has none. Undefined for other versions. */
const socketClass = async (): Promise<SocketClass | undefined> =>
  typeof globalThis.WebSocket === "function" ? undefined : (await import("undici")).WebSocket;

const LINGER_MS = 200;

const LABELS = {
  connected: "Connected",
  disconnected: "Lost:",
  working: "Working on",
  report_lost: "Not reported:",
} as const;

function failureOf({ message, problem }: ConnectionRefused): Failure {
  return new Failure(message, typeof problem?.hint === "string" ? problem.hint : undefined);
}

/** The work for each run. Throws a {@link UsageError} if it is missing or given twice. */
function onRunOf(given: Given, { env, cwd }: Terminal): OnRun {
  const [command, target] = [given.text("exec"), given.text("forward")];
  if ((command === undefined) === (target === undefined)) {
    throw new UsageError("say what does the runs: --exec CMD or --forward URL, and not both");
  }
  if (target === undefined) {
    return async (run) => {
      const output = await runProgram(command ?? "", run, { ...env });
      const control = controlIn(output);
      if (control !== undefined) run.control(control);
      return output;
    };
  }
  const url = checkedUrl(target) + (new URL(target).pathname.endsWith("/") ? "/" : "") + new URL(target).search;
  const secret = env.AGENT_SECRET || readDevVars(cwd).AGENT_SECRET;
  if (secret === undefined)
    throw new UsageError(
      "AGENT_SECRET is not set, with which --forward signs: AGENT_SECRET=whsec_... reveille connect",
    );
  return async (run, call) => {
    const response = await forward(url, secret, run, call);
    const control = controlIn(await response.clone().text());
    if (control !== undefined) run.control(control);
    return response;
  };
}

/**
 * Waits for the end. The first signal drains, and the second gives the runs back. Rejects if the connection cannot
 * continue.
 */
async function untilEnded(connection: Connection, { warn }: Terminal): Promise<void> {
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) {
      warn("No further run is begun; waiting for running work. Press Ctrl-C again to give it back.");
      void connection.drain().catch(() => undefined);
    } else if (signals === 2) void connection.release().catch(() => undefined);
    else process.exit(1);
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, onSignal);
  try {
    await connection.closed;
  } finally {
    for (const name of names) process.off(name, onSignal);
    // The socket may wait seconds for the other side to close too.
    if (signals > 0) setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
