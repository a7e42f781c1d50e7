/** `npm run dev`: `npm start` that restarts when a source file changes. Jobs and runs stay, since they are in DATA_DIR. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const WATCHED = ["src", "durable-objects", "local", "web/src", "web/public"];
/** The quiet time before a restart. An editor writes several files at once, and one restart is enough. */
const QUIET_MS = 200;

let service = start();
let timer: NodeJS.Timeout | undefined;
/** The queue of restarts. They run one at a time, since two services would share a DATA_DIR. */
let turn: Promise<void> = Promise.resolve();

for (const folder of WATCHED) {
  watch(join(ROOT, folder), { recursive: true }, (_event, file) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = turn.then(() => restart(`${folder}/${file ?? ""}`));
    }, QUIET_MS);
  });
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(signal));

function start(): ChildProcess {
  return spawn(process.execPath, [join(ROOT, "bin/reveille.mjs"), "start"], { stdio: "inherit" });
}

async function restart(file: string): Promise<void> {
  console.log(`${file} has changed: starting again`);
  await stop(service, "SIGTERM");
  service = start();
}

async function end(signal: NodeJS.Signals): Promise<void> {
  clearTimeout(timer);
  await stop(service, signal);
  process.exit(0);
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}
