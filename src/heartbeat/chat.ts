/**
 * Asks a model one question and waits for the whole answer (docs/contract.md §8). The endpoint is the first of these that
 * exists: a function in code, an OpenAI-compatible API at OPENAI_BASE_URL, CHAT_URL or the agent with a signature (§17),
 * Workers AI. Never throws.
 */

import * as z from "zod";
import { lookUpAgent, secretFor } from "../agent/own-secret.ts";
import type { Agent } from "../agent/resolve.ts";
import { compact } from "../domain/compact.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { traceparent } from "../domain/run/traceparent.ts";
import type { Env, Settings } from "../env.ts";
import type { ChatFunction } from "../hooks/heartbeat.ts";
import type { Deadline } from "../outbound/deadline.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { release } from "../outbound/output.ts";
import {
  hookTrouble,
  interruptedBy,
  type OutboundRequest,
  type RequestIo,
  request,
  type Trouble,
} from "../outbound/request.ts";
import { settleWithin } from "../outbound/settle.ts";
import { type Secrets, signedHeaders } from "../outbound/signature.ts";
import { TokenUsage } from "../schema/heartbeat.ts";
import { MINUTE_MS, SECOND_MS } from "../schema/limits.ts";
import { ChatReader, type ChatReply, type Dialect, nativeDialect } from "./chat-stream.ts";
import { openAiCall, openAiDialect } from "./openai.ts";
import { askWorkersAi } from "./workers-ai.ts";

/** The time for a decision. It is one line of JSON, but a model may have to be loaded first. */
export const DECISION_TIMEOUT_MS = 2 * MINUTE_MS;
/**
 * The time for the main model, as long as a job's longest attempt. With decision and notifiers it stays below an alarm's 15
 * minutes.
 */
export const MAIN_TIMEOUT_MS = 10 * MINUTE_MS;
/** The longest answer. A stream spends some 200 bytes on a token. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** One question. `id` is the same for every attempt of one call and becomes `webhook-id`. */
export type ChatRequest = {
  readonly id: string;
  readonly attempt: number;
  readonly sessionId: string;
  readonly message: string;
  readonly model?: string | undefined;
  /** The agent whose endpoint and secret are used. Undefined is the default agent. */
  readonly agentId?: string | undefined;
  readonly timeoutMs: number;
};

export type ChatIo = {
  /** Epoch ms. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly chat?: ChatFunction | undefined;
  /** The platform's fetch, unless a test passes another. */
  readonly fetch?: RequestIo["fetch"] | undefined;
};

export async function askChat(
  env: Env,
  settings: Settings,
  request: ChatRequest,
  io: ChatIo,
): Promise<Result<ChatReply, Trouble>> {
  if (io.chat !== undefined) return askFunction(io.chat, request, io.signal);
  if (settings.OPENAI_BASE_URL !== undefined) {
    return askOpenAi({ ...settings, OPENAI_BASE_URL: settings.OPENAI_BASE_URL }, request, io);
  }
  const { AI } = env;
  const hasAgent = request.agentId !== undefined || settings.AGENT_URL !== undefined || env.AGENT !== undefined;
  if (AI !== undefined && settings.CHAT_URL === undefined && !hasAgent) {
    return askWorkersAi(AI, request, io.signal);
  }
  const endpoint = await resolveEndpoint(env, settings, request.agentId);
  return endpoint.ok ? askNative(endpoint.value, settings, request, io) : endpoint;
}

/** The endpoint of a chat, and the secret that signs the call. Without a secret it is not signed. */
type ChatEndpoint = Omit<Agent, "secret"> & { readonly secret: Secrets | undefined };

/** CHAT_URL, or the agent itself. */
async function resolveEndpoint(
  env: Env,
  settings: Settings,
  agentId: string | undefined,
): Promise<Result<ChatEndpoint, Trouble>> {
  const { CHAT_URL: url, CHAT_SECRET } = settings;
  if (url === undefined) return lookUpAgent(env, settings, agentId);
  const agent = await lookUpAgent(env, settings, agentId);
  // A heartbeat that names a missing agent is a mistake, even if another endpoint could answer.
  if (agentId !== undefined && !agent.ok) return agent;
  const secret = secretFor(url, CHAT_SECRET, agent);
  return secret.ok ? ok({ url, secret: secret.value }) : secret;
}

async function askNative(
  { url, secret, headers: own, fetch: fetchAgent }: ChatEndpoint,
  settings: Settings,
  request: ChatRequest,
  io: ChatIo,
): Promise<Result<ChatReply, Trouble>> {
  const receiver = "the chat endpoint";
  const endpoint = checkEndpoint(url, { allowLoopbackHttp: settings.LOCAL });
  if (!endpoint.ok) return err({ reason: `${receiver} cannot be called: ${endpoint.error}`, passing: false });
  const { id, attempt, sessionId, message, model } = request;
  const body = JSON.stringify({
    type: "chat",
    data: { session_id: sessionId, message, ...compact({ model }) },
  });
  const timestampSeconds = Math.floor(io.now() / SECOND_MS);
  const signed = secret === undefined ? ok({}) : await signedHeaders({ secret, id, timestampSeconds, body });
  if (!signed.ok) return err({ reason: `the call cannot be signed: ${signed.error}`, passing: false });
  const headers = {
    ...own,
    ...signed.value,
    accept: "application/json, text/event-stream, application/x-ndjson",
    "reveille-session-id": sessionId,
    traceparent: traceparent(id, attempt),
  };
  const post: OutboundRequest = {
    receiver,
    url,
    headers,
    body,
    timeoutMs: request.timeoutMs,
    secrets: [...(secret === undefined ? [] : [secret].flat()), ...Object.values(own ?? {})],
  };
  return converse(post, nativeDialect, { fetch: fetchAgent ?? io.fetch ?? fetch, signal: io.signal });
}

async function askOpenAi(
  settings: Settings & { readonly OPENAI_BASE_URL: string },
  request: ChatRequest,
  io: ChatIo,
): Promise<Result<ChatReply, Trouble>> {
  const endpoint = checkEndpoint(settings.OPENAI_BASE_URL, { allowLoopbackHttp: settings.LOCAL });
  if (!endpoint.ok) return err({ reason: `OPENAI_BASE_URL cannot be called: ${endpoint.error}`, passing: false });
  const ask = (usage: boolean) => {
    const call = openAiCall(settings, request, { usage });
    const post: OutboundRequest = {
      ...call,
      receiver: "the chat-completions API",
      timeoutMs: request.timeoutMs,
      secrets: settings.OPENAI_API_KEY === undefined ? [] : [settings.OPENAI_API_KEY],
    };
    return converse(post, openAiDialect, { fetch: io.fetch ?? fetch, signal: io.signal });
  };
  const reply = await ask(true);
  const refusesUsage = !reply.ok && (reply.error.httpStatus === 400 || reply.error.httpStatus === 422);
  return refusesUsage && reply.error.reason.includes("stream_options") ? ask(false) : reply;
}

/** Posts the question, and reads the answer as it comes. */
const converse = (post: OutboundRequest, dialect: Dialect, io: RequestIo): Promise<Result<ChatReply, Trouble>> =>
  request(post, io, async (response, deadline) => {
    if (response.status === 202) {
      release(response.body);
      return err({ reason: `${post.receiver} answered 202; a chat needs the answer itself`, passing: false });
    }
    const reader = new ChatReader(dialect, response.headers.get("content-type"));
    const trouble = response.body === null ? undefined : await feed(reader, response.body, post, deadline);
    if (trouble !== undefined) return err(trouble);
    const reply = reader.end();
    return reply.ok ? reply : err({ reason: reply.error, passing: false });
  });

/** Feeds the body into the reader until the answer is complete. The rest is cancelled. */
async function feed(
  reader: ChatReader,
  body: ReadableStream<Uint8Array>,
  post: OutboundRequest,
  deadline: Deadline,
): Promise<Trouble | undefined> {
  const source = body.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    while (!reader.done) {
      const read = await deadline.wait(source.read());
      if (read.kind === "failed") {
        return { reason: `the connection broke before ${post.receiver} had finished its answer`, passing: true };
      }
      if (read.kind !== "value") return interruptedBy(read, post);
      if (read.value.done) {
        reader.push(decoder.decode());
        return undefined;
      }
      bytes += read.value.value.byteLength;
      if (bytes > MAX_ANSWER_BYTES) {
        return { reason: `${post.receiver} answered with more than ${MAX_ANSWER_BYTES} bytes`, passing: false };
      }
      reader.push(decoder.decode(read.value.value, { stream: true }));
    }
    return undefined;
  } finally {
    release(source);
  }
}

async function askFunction(
  chat: ChatFunction,
  { sessionId, message, model, timeoutMs }: ChatRequest,
  signal: AbortSignal | undefined,
): Promise<Result<ChatReply, Trouble>> {
  const receiver = "the chat function";
  const asked = await settleWithin((aborted) => chat({ sessionId, message, model, signal: aborted }), timeoutMs, {
    signal,
  });
  if (!asked.ok) return err(hookTrouble(asked.error, { receiver, timeoutMs }));
  const reply = Reply.safeParse(asked.value);
  if (reply.success) return ok(reply.data);
  return err({ reason: `${receiver} gave neither a text nor {text, toolUse?, usage?}`, passing: false });
}

/** The answers that a function in code may give, checked since its types do not exist at run time. */
const Reply = z.union([
  z.string().transform((text) => ({ text, toolUse: false })),
  z
    .object({ text: z.string(), toolUse: z.boolean().default(false), usage: TokenUsage.optional() })
    .transform(({ usage, ...reply }) => ({ ...reply, ...compact({ usage }) })),
]);
