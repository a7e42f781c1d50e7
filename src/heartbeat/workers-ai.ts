/** Workers AI as the chat endpoint, if there is an `AI` binding and nothing else is configured. */

import * as z from "zod";
import { compact } from "../domain/compact.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { WorkersAi } from "../env.ts";
import { hookTrouble, type Trouble } from "../outbound/request.ts";
import { settleWithin } from "../outbound/settle.ts";
import { type ChatReply, hasValue, readUsage } from "./chat-stream.ts";
import { openAiDialect } from "./openai.ts";

/** The answer in a model's own form. Newer models answer as OpenAI does. */
const Answer = z.object({
  /** The text. Workers AI parses what looks like JSON, such as a decision, into an object. */
  response: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  tool_calls: z.unknown().optional(),
  usage: z.unknown().optional(),
});

/** Asks `model` once, without streaming, since nobody watches a beat. */
export async function askWorkersAi(
  ai: WorkersAi,
  request: { readonly message: string; readonly model?: string | undefined; readonly timeoutMs: number },
  signal: AbortSignal | undefined,
): Promise<Result<ChatReply, Trouble>> {
  const { model, message } = request;
  if (model === undefined) {
    const reason =
      "Workers AI needs the name of a model: set fast_model and model of the heartbeat, for example @cf/meta/llama-3.3-70b-instruct-fp8-fast";
    return err({ reason, passing: false });
  }
  const asked = await settleWithin(
    () => ai.run(model, { messages: [{ role: "user", content: message }] }),
    request.timeoutMs,
    { signal },
  );
  if (asked.ok) return readAnswer(asked.value);
  return err(hookTrouble(asked.error, { receiver: "Workers AI", timeoutMs: request.timeoutMs }));
}

function readAnswer(value: unknown): Result<ChatReply, Trouble> {
  const completion = openAiDialect(value);
  if (completion.ok && completion.value.known) {
    const { text = "", toolUse = false, usage } = completion.value;
    return ok({ text, toolUse, ...compact({ usage }) });
  }
  const answer = Answer.safeParse(value).data;
  if (answer?.response === undefined && !hasValue(answer?.tool_calls)) {
    return err({
      reason: "Workers AI answered without a text; check that the model is one for text generation",
      passing: false,
    });
  }
  const { response } = answer ?? {};
  const usage = readUsage(answer?.usage);
  return ok({
    text: typeof response === "string" ? response : response ? JSON.stringify(response) : "",
    toolUse: hasValue(answer?.tool_calls),
    ...compact({ usage }),
  });
}
