import { type Beat, queueBeat } from "../../../../src/domain/heartbeat/beat.ts";
import { type CompiledHeartbeat, defineHeartbeat } from "../../../../src/domain/heartbeat/heartbeat.ts";
import { HeartbeatInput } from "../../../../src/schema/heartbeat.ts";

export const MINUTE = 60_000;
export const T = Date.parse("2026-11-23T09:00:00Z");

export function define(input: Record<string, unknown>, name = "main") {
  return defineHeartbeat(HeartbeatInput.parse(input), name);
}

export function compiled(input: Record<string, unknown> = {}): CompiledHeartbeat {
  const heartbeat = define(input);
  if (!heartbeat.ok) throw new Error(JSON.stringify(heartbeat.error));
  return heartbeat.value;
}

export const wrongFields = (input: Record<string, unknown>): string[] => {
  const heartbeat = define(input);
  return heartbeat.ok || heartbeat.error.kind !== "validation_failed"
    ? []
    : heartbeat.error.errors.map(({ path }) => path);
};

export const first = (over: Partial<Beat> = {}): Beat => ({
  ...queueBeat({ id: "main-s1", seq: 7, trigger: "schedule", dueAt: T, handledAt: T }, T + 100),
  ...over,
});
export const run = { action: "run", reason: "Mail is due." } as const;
export const every = 30 * MINUTE;
