/** Whether Reveille answers. Every page says so when it does not, since countdowns continue without it. */
import { signal } from "@preact/signals";

/** The time since which no call was answered, in epoch ms. Undefined while calls are answered. */
export const silentSince = signal<number | undefined>(undefined);

/** Notes that a call was answered, with any status. */
export function noteAnswer(): void {
  if (silentSince.value !== undefined) silentSince.value = undefined;
}

/** Notes that a call got no answer. */
export function noteSilence(at: number): void {
  silentSince.value ??= at;
}
