/** Whether Reveille answers at all: every page says so when it does not, since countdowns go on without it. */
import { signal } from "@preact/signals";

/** Since when no call was answered, epoch ms; undefined while calls are answered. */
export const silentSince = signal<number | undefined>(undefined);

/** Notes that a call was answered, with any status. */
export function noteAnswer(): void {
  if (silentSince.value !== undefined) silentSince.value = undefined;
}

/** Notes that a call got no answer. */
export function noteSilence(at: number): void {
  silentSince.value ??= at;
}
