/**
 * Runs one beat from its decision to its notifications (docs/contract.md §8). Each step is recorded before its effect. The
 * functions that ask, notify and record are passed in. It throws only if recording does.
 */

import {
  answered,
  type Beat,
  beginDeciding,
  decided,
  decidedWrongly,
  failed,
  failedForNow,
  isInProgress,
  notifiedAll,
} from "../../src/domain/heartbeat/beat.ts";
import { parseDecision } from "../../src/domain/heartbeat/decision.ts";
import type { CompiledHeartbeat } from "../../src/domain/heartbeat/heartbeat.ts";
import {
  decisionPrompt,
  decisionSession,
  mainPrompt,
  mainSession,
  sourceOf,
} from "../../src/domain/heartbeat/prompts.ts";
import type { Result } from "../../src/domain/result.ts";
import type { ChatRequest } from "../../src/heartbeat/chat.ts";
import { DECISION_TIMEOUT_MS, MAIN_TIMEOUT_MS } from "../../src/heartbeat/chat.ts";
import type { ChatReply } from "../../src/heartbeat/chat-stream.ts";
import { notificationText } from "../../src/notify/notify.ts";
import type { Notification } from "../../src/notify/send.ts";
import type { Trouble } from "../../src/outbound/request.ts";
import type { Notified } from "../../src/schema/heartbeat.ts";

/** The subject of a beat, as it was when the beat began. */
export type BeatSubject = { readonly name: string; readonly heartbeat: CompiledHeartbeat; readonly document: string };

export type BeatIo = {
  /** Epoch ms. */
  readonly now: () => number;
  readonly ask: (request: ChatRequest) => Promise<Result<ChatReply, Trouble>>;
  readonly notify: (notification: Notification) => Promise<Notified[]>;
  /** Stores the beat's current state. False if the heartbeat was erased meanwhile. */
  readonly record: (beat: Beat) => boolean;
};

export async function runBeat(queued: Beat, subject: BeatSubject, io: BeatIo): Promise<void> {
  const deciding = beginDeciding(queued);
  if (!io.record(deciding)) return;
  const executing = await decide(deciding, subject, io);
  if (!io.record(executing) || !isInProgress(executing)) return;
  const notifying = await execute(executing, subject, io);
  if (!io.record(notifying) || !isInProgress(notifying)) return;
  const notified = await io.notify({
    id: `${callId(notifying)}-notification`,
    text: notificationText(notifying.answer ?? ""),
    source: sourceOf(subject.name),
  });
  io.record(notifiedAll(notifying, notified, io.now()));
}

async function decide(beat: Beat, { name, heartbeat, document }: BeatSubject, io: BeatIo): Promise<Beat> {
  const { fast_model: model, agent_id: agentId } = heartbeat.config;
  const reply = await io.ask({
    id: `${callId(beat)}-decision`,
    attempt: beat.attempt,
    sessionId: decisionSession(name),
    message: decisionPrompt({ document, now: io.now(), hours: heartbeat.hours }),
    model,
    agentId,
    timeoutMs: DECISION_TIMEOUT_MS,
  });
  if (!reply.ok) return fail(beat, "decision", reply.error, heartbeat, io.now());
  const { text, toolUse, usage } = reply.value;
  if (toolUse) {
    return decidedWrongly(beat, text, "the decision used a tool; the fast model may only decide", usage, io.now());
  }
  const decision = parseDecision(text);
  if (!decision.ok) return decidedWrongly(beat, text, decision.error, usage, io.now());
  return decided(beat, decision.value, usage, io.now());
}

async function execute(beat: Beat, { name, heartbeat, document }: BeatSubject, io: BeatIo): Promise<Beat> {
  const { model, agent_id: agentId } = heartbeat.config;
  const reply = await io.ask({
    id: `${callId(beat)}-main`,
    attempt: beat.attempt,
    sessionId: mainSession(name),
    message: mainPrompt({ document, now: io.now(), hours: heartbeat.hours, reason: beat.decision?.reason ?? "" }),
    model,
    agentId,
    timeoutMs: MAIN_TIMEOUT_MS,
  });
  if (!reply.ok) return fail(beat, "main", reply.error, heartbeat, io.now());
  return answered(beat, reply.value.text, reply.value.usage, io.now());
}

function fail(
  beat: Beat,
  call: "decision" | "main",
  trouble: Trouble,
  { everyMs }: CompiledHeartbeat,
  now: number,
): Beat {
  const error = `${call}: ${trouble.reason}`;
  return trouble.passing ? failedForNow(beat, error, everyMs, now) : failed(beat, error, now);
}

/** The id of the beat's calls. A repeat has the same, so an agent recognises the call by its `webhook-id`. */
const callId = (beat: Beat): string => beat.retryOf ?? beat.id;
