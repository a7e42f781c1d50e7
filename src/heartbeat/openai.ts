/**
 * The chat-completions API of OpenAI and compatible servers (docs/contract.md §8, `OPENAI_BASE_URL`). It keeps no session,
 * so the prompts hold all that a beat needs. No tool is offered, so a decision cannot use one.
 */

import * as z from "zod";
import { compact } from "../domain/compact.ts";
import { err, ok } from "../domain/result.ts";
import { withoutTrailingSlashes } from "../outbound/endpoint.ts";
import { type Dialect, errorText, hasValue, readUsage } from "./chat-stream.ts";

const Content = z.union([
  z.string(),
  // Some models answer in parts. The thinking parts are not for the reader.
  z
    .array(z.object({ type: z.string().optional(), text: z.string().optional() }))
    .transform((parts) =>
      parts.map((part) => (part.type === "text" || part.type === undefined ? (part.text ?? "") : "")).join(""),
    ),
]);
const Said = z.object({
  content: Content.nullish(),
  tool_calls: z.unknown().optional(),
  function_call: z.unknown().optional(),
});
const Chunk = z.object({
  choices: z.array(z.object({ delta: Said.nullish(), message: Said.nullish() })).nullish(),
  usage: z.unknown().optional(),
  error: z.unknown().optional(),
});

/** A chunk of a stream (`delta`) or a whole completion (`message`), for servers that do not stream. */
export const openAiDialect: Dialect = (value) => {
  const read = Chunk.safeParse(value);
  if (!read.success) return err("the answer is not a chat completion; check that OPENAI_BASE_URL leads to such an API");
  const { choices, usage, error } = read.data;
  const reply = choices?.[0]?.delta ?? choices?.[0]?.message;
  const counted = readUsage(usage);
  return ok({
    known: reply !== undefined || hasValue(error),
    ...(reply?.content ? { text: reply.content } : {}),
    toolUse: hasValue(reply?.tool_calls) || hasValue(reply?.function_call),
    ...compact({ usage: counted }),
    ...(hasValue(error) ? { error: errorText(error) } : {}),
  });
};

/** The URL and the body to post. `usage` asks for the tokens at the end of the stream, which a few servers refuse. */
export function openAiCall(
  settings: { readonly OPENAI_BASE_URL: string; readonly OPENAI_API_KEY?: string | undefined },
  request: { readonly message: string; readonly model?: string | undefined },
  { usage }: { readonly usage: boolean },
): { readonly url: string; readonly headers: Record<string, string>; readonly body: string } {
  const { OPENAI_BASE_URL: base, OPENAI_API_KEY: key } = settings;
  return {
    url: `${withoutTrailingSlashes(base)}/chat/completions`,
    headers: {
      accept: "text/event-stream, application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({
      ...compact({ model: request.model }),
      messages: [{ role: "user", content: request.message }],
      stream: true,
      ...(usage ? { stream_options: { include_usage: true } } : {}),
    }),
  };
}
