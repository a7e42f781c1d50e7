/**
 * The agent that tests in workerd call over HTTP. The job's message is its script, in JSON:
 * `{"status": 503, "delay_ms": 20, "headers": {"retry-after": "7"}, "body": "busy"}`. Without a script it answers 200. `users` holds
 * scripts for single users' runs, by user id.
 */
type Script = {
  status?: number;
  delay_ms?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Answers with the call's own `data`. */
  echo?: boolean;
  users?: Record<string, Script>;
};

function scriptOf(message: unknown): Script {
  if (typeof message !== "string" || !message.startsWith("{")) return {};
  return JSON.parse(message);
}

export async function scriptedAgent(request: { json(): Promise<unknown> }): Promise<Response> {
  const call = (await request.json()) as {
    data?: { message?: string; run?: { id: string; attempt: number; user_id?: string } };
  };
  const common = scriptOf(call.data?.message);
  const script = common.users?.[call.data?.run?.user_id ?? ""] ?? common;
  if (script.delay_ms) await new Promise((resolve) => setTimeout(resolve, script.delay_ms));
  const body =
    script.body ??
    (script.echo ? JSON.stringify(call.data) : undefined) ??
    JSON.stringify({ heard: call.data?.run?.id, attempt: call.data?.run?.attempt });
  return new Response(body, {
    status: script.status ?? 200,
    headers: { "content-type": "application/json", ...script.headers },
  });
}
