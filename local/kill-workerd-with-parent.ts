/**
 * Ties workerd to this process. Miniflare stops it on every ordinary end, but a SIGKILL of this process alone would leave
 * workerd running: firing jobs, and holding the port. A shell holds the other end of a pipe and ends workerd when the pipe breaks.
 */
import { ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { basename } from "node:path";

/** Reads the process id of each workerd in turn, the last one standing. An empty line means that there is none to end. */
const WATCH = `trap '' INT TERM HUP
while read -r pid; do last=$pid; done
[ -z "$last" ] || kill -9 "$last"`;

/** Watches every workerd started from now on. `release`, called once workerd is gone, resolves when the watcher is gone too. */
export function tieWorkerd(): { release(): Promise<void> } {
  const watcher = spawn("sh", ["-c", WATCH], { stdio: ["pipe", "ignore", "ignore"] });
  const watcherExit = once(watcher, "exit");
  // Without a shell, or with the watcher killed, everything works but the tie: say so and go on.
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
