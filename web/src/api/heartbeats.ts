/** /v1/heartbeats. */
import { err, ok } from "../../../src/domain/result.ts";
import type { Beat, Heartbeat } from "../../../src/schema/heartbeat.ts";
import { type Answer, call, type Page, send, v1 } from "./client.ts";
import { unreachable } from "./problem.ts";

export type { Beat, Heartbeat };

const MARKDOWN = "text/markdown";

export const listHeartbeats = (signal?: AbortSignal) => call<Page<Heartbeat>>("GET", v1("heartbeats"), { signal });
export const getHeartbeat = (name: string, signal?: AbortSignal) =>
  call<Heartbeat>("GET", v1("heartbeats", name), { signal });
export const putHeartbeat = (name: string, body: unknown) =>
  call<Heartbeat>("PUT", v1("heartbeats", name), { json: body });
export const deleteHeartbeat = (name: string) => call<undefined>("DELETE", v1("heartbeats", name));
export const beatNow = (name: string) => call<unknown>("POST", v1("heartbeats", name, "beat"));
export const listBeats = (name: string, cursor?: string, signal?: AbortSignal) =>
  call<Page<Beat>>("GET", v1("heartbeats", name, "beats"), { query: { cursor }, signal });

/** HEARTBEAT.md. Empty if none was written. */
export async function getDocument(name: string, signal?: AbortSignal): Promise<Answer<string>> {
  const sent = await send("GET", v1("heartbeats", name, "document"), { signal });
  if (!sent.ok) return sent;
  try {
    return ok(await sent.value.text());
  } catch (cause) {
    return err(unreachable(cause));
  }
}

export const putDocument = (name: string, text: string) =>
  send("PUT", v1("heartbeats", name, "document"), { body: { type: MARKDOWN, text } });
