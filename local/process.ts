/** The life and end of the process of `npm start`: signals, a missing parent npm, the exit code. */
import { messageOf } from "../src/domain/text/error-text.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** The time for a stop. A stop that hangs must not hold the terminal. */
const STOP_LIMIT_MS = 1_500;
const PARENT_CHECK_MS = 250;

/** The end of the process. While there is no `stop` yet, it ends at once, which is no worse than a crash. */
export type Ending = {
  /** From now on `stop` is called first. It takes the signals over from handlers that were registered meanwhile. */
  stopWith(stop: () => Promise<void>): void;
};

/**
 * Ends the process with 0 on the first signal, or when the npm that started it is gone. Call it before anything is started.
 */
export function endOnSignal(): Ending {
  let stop: (() => Promise<void>) | undefined;
  let ending = false;
  const end = (): void => {
    // npm passes a Ctrl-C on, although the terminal has sent it here too.
    if (ending) return;
    ending = true;
    if (stop === undefined) process.exit(0);
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`Stopping failed: ${messageOf(error)}`);
        process.exit(1);
      },
    );
  };
  for (const signal of SIGNALS) process.on(signal, end);
  if (process.env.npm_lifecycle_event !== undefined) whenParentEnds(end);
  return {
    stopWith(given) {
      stop = given;
      for (const signal of SIGNALS) {
        // Handlers are removed one by one. A signal without any handler would be lost.
        for (const other of process.listeners(signal)) if (other !== end) process.off(signal, other);
      }
    },
  };
}

/** Ends when the parent is gone. npm cannot pass a SIGKILL on, so `kill -9` of npm would leave everything running. */
function whenParentEnds(end: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, PARENT_CHECK_MS).unref();
}
