import { useEffect } from "preact/hooks";
import { afterSeen } from "../clock.ts";

/** Calls `look` every `everyMs` while the page is visible, for data without events. */
export function useLookAgain(everyMs: number, look: () => void): void {
  useEffect(() => {
    let stop = () => {};
    const wait = () => {
      stop = afterSeen(everyMs, () => {
        look();
        wait();
      });
    };
    wait();
    return () => stop();
  }, [everyMs, look]);
}
