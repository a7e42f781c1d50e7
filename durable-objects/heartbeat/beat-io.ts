/** The outside of a beat: its models, the notifiers of its answer, and its row in the log. */
import { lookUpAgent, secretFor } from "../../src/agent/own-secret.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { askChat } from "../../src/heartbeat/chat.ts";
import { heartbeatHooks } from "../../src/hooks/heartbeat.ts";
import { type NotifyRules, type NotifyTarget, notifyAll } from "../../src/notify/notify.ts";
import type { HeartbeatConfig } from "../../src/schema/heartbeat.ts";
import type { BeatIo } from "./beat-run.ts";
import type { HeartbeatStore } from "./store.ts";

/** The outside of a beat. Once `signal` is aborted, nothing is recorded, because the heartbeat has been erased. */
export function beatIo(env: Env, store: HeartbeatStore, config: HeartbeatConfig, signal: AbortSignal): BeatIo {
  const settings = settingsOf(env);
  const hooks = heartbeatHooks();
  const now = (): number => Date.now();
  return {
    now,
    ask: (request) => askChat(env, settings, request, { now, signal, chat: hooks.chat }),
    notify: async (notification) => {
      const agent = await lookUpAgent(env, settings, config.agent_id);
      const rules: NotifyRules = {
        secretFor: (url, own) => secretFor(url, own, agent),
        allowLoopbackHttp: settings.LOCAL,
      };
      return notifyAll(targetsOf(config, settings.NOTIFY_URL), notification, rules, { fetch, now, signal });
    },
    record: (beat) => {
      if (signal.aborted) return false;
      store.putBeat(beat);
      return true;
    },
  };
}

/** The targets of the heartbeat itself, else the function in code, else NOTIFY_URL. */
function targetsOf(config: HeartbeatConfig, url: string | undefined): NotifyTarget[] {
  if (config.notify !== undefined) return config.notify;
  const { notify } = heartbeatHooks();
  if (notify !== undefined) return [{ type: "code", notify }];
  return url === undefined ? [] : [{ type: "webhook", url }];
}
