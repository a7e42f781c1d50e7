/**
 * Ties workerd to this process. Miniflare stops it at every ordinary end. After a SIGKILL of this process, workerd would
 * keep running, fire jobs and hold the port. A shell holds the other end of a pipe and ends workerd when the pipe breaks.
 */
import { ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { basename } from "node:path";

/**
 * The script of the watcher. It reads the process id of each workerd; the last one counts. An empty line means that there
 * is none to end.
 */
const WATCH = `trap '' INT TERM HUP
while read -r pid; do last=$pid; done
[ -z "$last" ] || kill -9 "$last"`;

/**
 * Watches every workerd that is started from now on. `release` is called when workerd is gone, and resolves when the
 * watcher is gone too.
 */
export function tieWorkerd(): { release(): Promise<void> } {
  const watcher = spawn("sh", ["-c", WATCH], { stdio: ["pipe", "ignore", "ignore"] });
  const watcherExit = once(watcher, "exit");
  // If there is no shell or the watcher was killed, only the tie is missing. So this is reported, and the service
  // continues.
  watcher.on("error", (error) => console.error(`workerd is not watched: ${error.message}`));
  watcher.stdin.on("error", (error) => console.error(`workerd is no longer watched: ${error.message}`));
  watcher.unref();

  const onSpawn = (message: unknown): void => {
    if (typeof message !== "object" || message === null || !("process" in message)) return;
    const child = message.process;
    if (!(child instanceof ChildProcess)) return;
    child.once("spawn", () => {
      if (basename(child.spawnfile).startsWith("workerd")) watcher.stdin.write(`${child.pid}\n`);
    });
  };
  subscribe("child_process", onSpawn);

  return {
    async release() {
      unsubscribe("child_process", onSpawn);
      if (watcher.exitCode !== null || watcher.signalCode !== null || watcher.pid === undefined) return;
      watcher.ref();
      watcher.stdin.end("\n");
      await watcherExit;
    },
  };
}
