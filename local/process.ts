/** How the process of `npm start` lives and ends: signals, a vanished npm, the exit code. */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A stop that hangs must not hold the terminal. */
const STOP_LIMIT_MS = 1_500;
const PARENT_CHECK_MS = 250;

/**
 * Calls `stop` once, on the first signal or when the npm that started this process is gone, and then exits with 0.
 * Takes the signals over from whatever was registered before.
 */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const end = (): void => {
    // npm passes a Ctrl-C on, although the terminal has sent it here as well.
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Stopping failed: ${error instanceof Error ? error.message : String(error)}`);
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    process.on(signal, end);
  }
  if (process.env.npm_lifecycle_event !== undefined) whenParentEnds(end);
}

/** npm cannot pass a SIGKILL on: without this, `kill -9` of npm would leave everything running. */
function whenParentEnds(end: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, PARENT_CHECK_MS).unref();
}
