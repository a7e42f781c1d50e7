/** The processes that the benchmark starts. Each is always ended, also after a failure. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

export type Child = {
  readonly pid: number;
  /** The first group that `ready` matched. */
  readonly found: string;
  stop(): Promise<void>;
};

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const INTERRUPT_MS = 1_000;
const running = new Set<ChildProcess>();
let interrupted = false;

process.once("exit", () => {
  for (const child of running) killGroup(child, "SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupted = true;
    // PostgreSQL frees shared memory only when it is asked to end.
    for (const child of running) killGroup(child, "SIGTERM");
    setTimeout(() => process.exit(1), INTERRUPT_MS);
  });
}

/** Starts a process in a group of its own and waits until its output matches `ready`. Throws with its output if it ends before. */
export async function startChild(
  command: string,
  args: readonly string[],
  options: {
    readonly ready: RegExp;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly uid?: number;
    readonly gid?: number;
  },
): Promise<Child> {
  // A failure by an interrupt has no further effect.
  if (interrupted) await new Promise(() => {});
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...surroundings(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  running.add(child);
  const ended = once(child, "exit").then(() => running.delete(child));
  let output = "";
  const found = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) =>
      interrupted || reject(new Error(`${command} ${args.join(" ")} ${why}; it printed:\n${output}`));
    const timer = setTimeout(() => fail("was not ready in time"), READY_LIMIT_MS);
    const read = (text: string): void => {
      output = (output + text).slice(-20_000);
      const match = options.ready.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[1] ?? "");
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with code ${code}`));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  return {
    pid,
    found,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => killGroup(child, "SIGKILL"), STOP_LIMIT_MS);
      killGroup(child, "SIGTERM");
      await ended;
      clearTimeout(timer);
    },
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** The environment without settings of Reveille from a developer's shell. */
function surroundings(): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "HOME", "TMPDIR", "LANG"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The ids of all processes of `pid`'s group. */
export function groupOf(pid: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
      return group === pid ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
