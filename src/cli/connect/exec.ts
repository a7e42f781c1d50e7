/** Does a run with a program on this machine. The message is its stdin, and its stdout is the output. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Control, Run } from "../../agent-kit/run.ts";

/** The part of a program's output that is kept. Reveille keeps the first 16 KiB of it. */
const MAX_OUTPUT_BYTES = 65_536;
const MAX_STDERR_BYTES = 2_048;
/** The time between the request to end and the end by force. */
const KILL_AFTER_MS = 5_000;

/**
 * Runs `command` in the shell for a run, and resolves to its stdout. If the exit code is not 0, it throws with the end of
 * its stderr. When the run's signal is aborted, the program and everything that it started are ended. They do not outlive
 * this process either.
 */
export async function runProgram(command: string, run: Run, env: NodeJS.ProcessEnv): Promise<string> {
  if (run.signal.aborted) throw run.signal.reason;
  // The program has its own process group. So Ctrl-C reaches only us, and everything that it starts ends with it.
  const child = spawn("sh", ["-c", command], { detached: true, stdio: "pipe", env: { ...env, ...variablesOf(run) } });
  const guard = guardOf(child);
  const stop = (): void => endGroup(child);
  run.signal.addEventListener("abort", stop, { once: true });
  try {
    return await outcomeOf(child, run.message);
  } finally {
    run.signal.removeEventListener("abort", stop);
    guard?.stdin?.end("\n");
  }
}

function variablesOf(run: Run): Record<string, string> {
  return {
    REVEILLE_SESSION_ID: run.session_id,
    REVEILLE_RUN_ID: run.id,
    REVEILLE_JOB_ID: run.job_id,
    REVEILLE_JOB_NAME: run.job.name,
    REVEILLE_PAYLOAD: JSON.stringify(run.payload),
    REVEILLE_ATTEMPT: String(run.attempt),
    REVEILLE_USER_ID: run.user_id ?? "",
  };
}

function outcomeOf(child: ChildProcess, message: string): Promise<string> {
  const out: Buffer[] = [];
  let bytes = 0;
  let end = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    // The output is read to its end in any case, since a program that cannot write would hang.
    if (bytes < MAX_OUTPUT_BYTES) out.push(chunk);
    bytes += chunk.length;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    end = (end + chunk.toString("utf8")).slice(-MAX_STDERR_BYTES);
  });
  // A program that does not read stdin closes it.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(message);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).subarray(0, MAX_OUTPUT_BYTES).toString("utf8"));
      const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      reject(new Error(end.trim() === "" ? how : `${how}: ${end.trim()}`));
    });
  });
}

function endGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER_MS);
  child.once("close", () => {
    clearTimeout(timer);
    // This ends processes that the program has left behind.
    signalGroup(child, "SIGKILL");
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All its processes have ended.
  }
}

/** Ends the program's group when this process dies suddenly, because the pipe between them breaks. */
const GUARD = `trap '' INT TERM HUP
read -r _ || kill -9 "-$1" 2>/dev/null`;

function guardOf({ pid }: ChildProcess): ChildProcess | undefined {
  if (pid === undefined) return undefined;
  const guard = spawn("sh", ["-c", GUARD, "sh", String(pid)], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  return guard;
}

/** The control in a program's output: the key `reveille` at the top of a JSON object, as in an answer. */
export function controlIn(output: string): Control | undefined {
  if (!output.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(output);
    if (typeof value !== "object" || value === null || !("reveille" in value)) return undefined;
    return typeof value.reveille === "object" && value.reveille !== null ? value.reveille : undefined;
  } catch {
    return undefined;
  }
}
