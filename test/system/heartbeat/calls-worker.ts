/** Chat and notifiers as a Worker, for chat.test.ts. It takes a call as JSON, makes it with workerd's own fetch, and returns the result. */

import { secretFor } from "../../../src/agent/own-secret.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Env } from "../../../src/env.ts";
import { settingsOf } from "../../../src/env.ts";
import { askChat, type ChatRequest } from "../../../src/heartbeat/chat.ts";
import { type NotifyRules, notifyAll } from "../../../src/notify/notify.ts";
import type { Notification } from "../../../src/notify/send.ts";
import type { Notifier } from "../../../src/schema/heartbeat.ts";

export type HeartbeatCall =
  | { readonly kind: "chat"; readonly settings: Record<string, string>; readonly request: ChatRequest }
  | {
      readonly kind: "notify";
      readonly notifiers: readonly Notifier[];
      readonly notification: Notification;
      readonly agent?: { readonly url: string; readonly secret: string };
    };

export async function makeCall(call: HeartbeatCall): Promise<unknown> {
  const now = Date.now;
  if (call.kind === "chat") {
    const env = { LOCAL: "true", ...call.settings };
    return askChat(env as unknown as Env, settingsOf(env), call.request, { now });
  }
  const { agent } = call;
  const own = agent === undefined ? err({ reason: "no agent", passing: false }) : ok(agent);
  const rules: NotifyRules = { secretFor: (url, secret) => secretFor(url, secret, own), allowLoopbackHttp: true };
  return notifyAll(call.notifiers, call.notification, rules, { fetch, now });
}

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await makeCall(await request.json<HeartbeatCall>()));
  },
};
