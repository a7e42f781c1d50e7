/** `npm start` as an operator runs it: a process group of its own, called over HTTP and ended by signals. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { describedBy } from "../../described.ts";
import { atEnd } from "./cleanup.ts";
import { eventually } from "./eventually.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const READY_LIMIT_MS = 30_000;
const EXIT_LIMIT_MS = 10_000;

export type StartOptions = {
  /** The folder of this instance's storage. Give the same folder again to restart it. */
  readonly dataDir: string;
  /** Any free port by default. */
  readonly port?: number;
  /** The started program. It is Node with the command of `npm start` by default, since npm takes a fifth of a second more. */
  readonly by?: "npm" | "node";
  /** Settings beside PORT and DATA_DIR. No other setting of Reveille from the test's environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
};

export type ApiInit = {
  readonly method?: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** A body that is sent unchanged, instead of `json`. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The bearer token, the operator's by default; null sends none. */
  readonly token?: string | null;
};

export type Reveille = {
  readonly url: string;
  readonly port: number;
  readonly adminToken: string;
  /** All output so far, stdout and stderr in the order of arrival. */
  output(): string;
  /** The service's own lines on stdout, without npm's banner. */
  lines(): string[];
  /** Makes one call. A JSON answer must be as the service's own /openapi.json describes it. */
  api(path: string, init?: ApiInit): Promise<Response>;
  /** The running processes of the group: node, workerd and their children, and npm if it started them. */
  processes(): Process[];
  /** Sends `signal` to the whole group, as Ctrl-C does, or to one of its processes, and waits until the first one has ended. */
  kill(signal?: NodeJS.Signals, target?: "group" | "npm" | "node"): Promise<void>;
  /** Ends the service as an operator would, and returns the exit code. */
  stop(): Promise<number | null>;
};

export type Process = { readonly pid: number; readonly command: string };

/** The end of an `npm start` that never got ready. */
export type Ended = { readonly code: number | null; readonly output: string };

/** Starts the service and waits for its Ready line. Fails with the output if the service ends or stays silent. */
export async function startReveille(options: StartOptions): Promise<Reveille> {
  const { child, pid, output, stdout, ended } = launch(options);
  const url = await eventually(
    () => `npm start is not ready; it printed:\n${output()}`,
    () => {
      if (child.exitCode !== null) throw new Error(`npm start ended with code ${child.exitCode}:\n${output()}`);
      return stdout().match(/^Ready on (http:\/\/127\.0\.0\.1:\d+)$/m)?.[1];
    },
    READY_LIMIT_MS,
  );
  const adminToken = options.env?.ADMIN_TOKEN ?? output().match(/^ADMIN_TOKEN=(\S+)/m)?.[1];
  if (adminToken === undefined) throw new Error(`no ADMIN_TOKEN was printed:\n${output()}`);

  const undescribed = await description(url);
  const kill: Reveille["kill"] = async (signal = "SIGKILL", target = "group") => {
    process.kill(target === "group" ? -pid : target === "npm" ? pid : nodeOf(pid), signal);
    await ended();
  };
  return {
    url,
    port: Number(new URL(url).port),
    adminToken,
    output,
    lines: () =>
      stdout()
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("> ")),
    processes: () => processesOf(pid),
    kill,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await kill("SIGTERM");
      return child.exitCode;
    },
    async api(path, { method, json, body, headers, token = adminToken } = {}) {
      const text = body ?? (json === undefined ? undefined : JSON.stringify(json));
      const verb = method ?? (text === undefined ? "GET" : "POST");
      const response = await fetch(new URL(path, url), {
        method: verb,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(text === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      });
      const contentType = response.headers.get("content-type");
      if (contentType?.includes("json")) {
        const { status } = response;
        const answered = await response.clone().text();
        const found = undescribed({ method: verb, path, sent: json, status, contentType, text: answered });
        if (found.length > 0) throw new Error(`not as /openapi.json says:\n${found.join("\n")}`);
      }
      return response;
    },
  };
}

let described: Promise<ReturnType<typeof describedBy>> | undefined;

/** The check of answers against /openapi.json. The document comes from the sources, so it is the same for every service. */
function description(url: string): Promise<ReturnType<typeof describedBy>> {
  described ??= fetch(`${url}/openapi.json`).then(async (answer) => describedBy(await answer.json()));
  return described;
}

/** Starts a service that is expected to refuse. Returns its exit code and output. */
export async function startAndFail(options: StartOptions): Promise<Ended> {
  const { child, output, ended } = launch(options);
  await ended();
  return { code: child.exitCode, output: output() };
}

/** Starts the service, and sends `signal` to its whole group at the first line that matches `line`. `left` are the processes that still run. */
export async function startAndEnd(
  options: StartOptions,
  line: RegExp,
  signal: NodeJS.Signals,
): Promise<Ended & { left(): Process[] }> {
  const { child, pid, output, stdout, ended } = launch(options);
  let sent = false;
  child.stdout.on("data", () => {
    if (sent || !line.test(stdout())) return;
    sent = true;
    process.kill(-pid, signal);
  });
  await ended();
  return { code: child.exitCode, output: output(), left: () => processesOf(pid) };
}

const COMMANDS = { npm: ["npm", "start"], node: [process.execPath, "bin/reveille.mjs", "start"] } as const;

function launch({ dataDir, port = 0, by = "node", env = {} }: StartOptions) {
  const [file, ...words] = COMMANDS[by];
  const child = spawn(file, words, {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...ownEnvironment(), DATA_DIR: dataDir, PORT: String(port), RATE_LIMITS: "off", ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} could not be started`);
  const end = (): void => {
    if (processesOf(pid).length > 0) process.kill(-pid, "SIGKILL");
  };
  atEnd(end);

  let all = "";
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    all += text;
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    all += text;
  });
  const exit = once(child, "exit");
  const ended = async (): Promise<void> => {
    const timer = setTimeout(end, EXIT_LIMIT_MS);
    await exit;
    clearTimeout(timer);
  };
  return { child, pid, output: () => all, stdout: () => out, ended };
}

/** The environment that npm and node need, without settings of Reveille from a developer's shell. */
function ownEnvironment(): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "LANG"];
  return Object.fromEntries(
    kept.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function processesOf(group: number): Process[] {
  return execFileSync("ps", ["-eo", "pid=,pgid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, pid, pgid, state, command] = line.match(/^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/) ?? [];
      if (pid === undefined || command === undefined || Number(pgid) !== group) return [];
      // A zombie has ended; its parent has only not waited for it yet.
      return state?.startsWith("Z") ? [] : [{ pid: Number(pid), command }];
    });
}

function nodeOf(group: number): number {
  const node = processesOf(group).find(
    ({ command }) => command.includes("bin/reveille.mjs start") && !command.startsWith("sh "),
  );
  if (node === undefined) throw new Error("the node process of npm start does not run");
  return node.pid;
}
