/** The fixture of these tests. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { Outcome } from "../../../../src/domain/failure.ts";
import { type Beat, HeartbeatInput } from "../../../../src/schema/heartbeat.ts";
import { env as bindings, type HeartbeatStub } from "../../bindings.ts";
import type { ChatScript, SeenCall } from "../../scripted-chat.ts";

export const env = bindings as typeof bindings & { CHAT_SECRET: string };
export const MINUTE = 60_000;
/** A part of a name that no other test uses. */
export const unique = (): string => crypto.randomUUID().slice(0, 8);

export async function value<T>(outcome: Promise<Outcome<T>>): Promise<T> {
  const answer = await outcome;
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

export const run = { body: JSON.stringify({ text: '{"action":"run","reason":"Mail is due."}' }) };
export const skip = { body: JSON.stringify({ text: '{"action":"skip","reason":"Nothing is due."}' }) };
export const says = (text: string): ChatScript => ({ body: JSON.stringify({ text }) });

export type Scripts = { readonly decision?: ChatScript; readonly main?: ChatScript };

/** A heartbeat for one test only. Its document holds the answers of the chat endpoint. */
export async function makeHeartbeat(scripts: Scripts | undefined, fields: Record<string, unknown> = {}) {
  const name = `hb-${unique()}`;
  const stub = env.HEARTBEAT.getByName(name);
  await value(stub.configure(HeartbeatInput.parse(fields)));
  if (scripts !== undefined) await value(stub.writeDocument(JSON.stringify(scripts)));
  return { name, stub, nextTick: nextMultiple(30) };
}

export const nextMultiple = (minutes: number): number =>
  (Math.floor(Date.now() / (minutes * MINUTE)) + 1) * minutes * MINUTE;

export async function callsOf(key: string): Promise<SeenCall[]> {
  const response = await fetch(`https://chat.test/?of=${encodeURIComponent(key)}`);
  return response.json<SeenCall[]>();
}
export const decisionsOf = (name: string) => callsOf(`heartbeat:${name}:decision`);
export const mainsOf = (name: string) => callsOf(`heartbeat:${name}:main`);

export type Stub = HeartbeatStub;
export const beatsOf = async (stub: Stub): Promise<Beat[]> => (await value(stub.beats({ limit: 50 }))).items;

/** The newest beat, once it has ended. */
export const ended = (stub: Stub): Promise<Beat> =>
  vi.waitFor(
    async () => {
      const [beat] = await beatsOf(stub);
      if (beat?.outcome === undefined) throw new Error("the beat has not ended");
      return beat;
    },
    { timeout: 5_000, interval: 20 },
  );

/** Drops the object's memory in the middle of its work. Storage and alarm stay. */
export async function kill(stub: Stub): Promise<void> {
  await runInDurableObject(stub, (_object, state) => state.abort("killed by the test")).catch(() => undefined);
}

export async function at<T>(time: number, act: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(time);
  try {
    return await act();
  } finally {
    vi.useRealTimers();
  }
}
