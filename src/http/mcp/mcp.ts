/**
 * `/mcp` (CONTRACT.md §12): the tools over streamable HTTP, stateless, as JSON answers. Clients of the 2025 revisions and of
 * 2026-07-28 are both served. A tool's call is a call of the API under the caller's own token: who may do what, what is valid
 * and what is answered is decided there.
 */
import * as z from "zod";
import { version } from "../../../package.json";
import { forbidden } from "../../domain/failure.ts";
import type { Env } from "../../env.ts";
import { ProblemBody } from "../problem.ts";
import { type AnyRoute, route } from "../route.ts";
import { serveMcp, type ToolCaller, type ToolResult } from "./server.ts";
import { type Tool, toolsOver } from "./tools.ts";

/** Sends a request to the routes that the tools stand for. */
export type AnswerCall = (request: Request, env: Env, waitUntil: (work: Promise<unknown>) => void) => Promise<Response>;

const INSTRUCTIONS = `Reveille wakes you later: schedule_job makes a job that sends you its message once, at an interval, or by calendar. Times are RFC 3339 with an offset; durations are like 90s, 30m, 12h, 7d. A job is named by job_id. Failed calls say what is wrong and how to mend it; mend the fields they name and call again.`;

const JsonRpc = z.record(z.string(), z.unknown());

/** The route of `/mcp`, whose tools stand for `routes`; `answer` serves those. */
export function mcpRoute(routes: readonly AnyRoute[], answer: AnswerCall) {
  let tools: readonly Tool[] | undefined;
  return route({
    method: "post",
    path: "/mcp",
    access: "read",
    id: "callMcp",
    tag: "MCP",
    summary: "Model Context Protocol",
    description:
      "Streamable HTTP, stateless, answered as JSON. Tools: schedule_job, list_jobs, get_job, update_job, cancel_job, pause_job, resume_job, run_job_now, list_runs, explain_job, preview_schedule. The token decides what they see and may do.",
    body: {
      schema: z.union([JsonRpc, z.array(JsonRpc)]).meta({ description: "One JSON-RPC 2.0 message, or a batch." }),
    },
    answers: {
      200: { description: "The JSON-RPC response.", schema: z.union([JsonRpc, z.array(JsonRpc)]) },
      202: { description: "A notification was taken." },
      400: { description: "Not a JSON-RPC message, or of another protocol version.", schema: JsonRpc },
      404: { description: "No such method.", schema: JsonRpc },
    },
    async handle({ request, env, settings, url, sent, waitUntil }) {
      const origin = request.headers.get("origin");
      if (origin !== null && !isWelcome(origin, url, settings.CORS_ORIGIN)) {
        return forbidden(
          `Pages of ${origin} may not call /mcp.`,
          "Call it without a browser, or have the operator name this origin in CORS_ORIGIN.",
        );
      }
      tools ??= toolsOver(routes);
      const authorization = request.headers.get("authorization") ?? "";
      const call: ToolCaller = async (tool, args) => {
        const wanted = tool.callOf(args);
        if ("wrong" in wanted) return wrongArguments(tool, wanted.wrong);
        const { method, path, headers, body } = wanted;
        const inner = new Request(new URL(path, url), {
          method,
          headers: { ...headers, authorization },
          ...(body === undefined ? {} : { body }),
        });
        return resultOf(tool, await answer(inner, env, waitUntil));
      };
      const about = { name: "reveille", title: "Reveille", version, instructions: INSTRUCTIONS };
      return serveMcp(request, sent, about, tools, call);
    },
  });
}

/** MCP asks servers to look at Origin: a page must not reach a service of the machine that it is opened on by a name of its own. */
function isWelcome(origin: string, url: URL, allowed: string | undefined): boolean {
  if (origin === url.origin) return true;
  const origins = (allowed ?? "").split(",").map((one) => one.trim());
  return origins.includes("*") || origins.includes(origin);
}

type Problem = z.infer<typeof ProblemBody>;

function wrongArguments(tool: Tool, errors: readonly { path: string; message: string }[]): ToolResult {
  return failed({
    type: "urn:reveille:problem:validation_failed",
    title: "Invalid input",
    status: 422,
    detail: `The arguments of ${tool.name} are not right.`,
    code: "validation_failed",
    hint: "Mend the fields named in errors and call the tool again; nothing has been changed.",
    errors: [...errors],
  });
}

async function resultOf(tool: Tool, response: Response): Promise<ToolResult> {
  const text = await response.text();
  if (!response.ok) return failed(ProblemBody.parse(JSON.parse(text)));
  const answer: Record<string, unknown> = text === "" ? { deleted: true } : JsonRpc.parse(JSON.parse(text));
  const fields = tool.trim === undefined ? answer : { ...tool.trim(answer) };
  return { text: JSON.stringify(fields), fields, isError: false };
}

/** A problem in words, with every field that is wrong: a model mends its call by what it reads here. */
function failed(problem: Problem): ToolResult {
  const { title, detail, code, hint, errors = [] } = problem;
  const lines = [
    `${title} (${code}): ${detail}`,
    ...errors.map(({ path, message }) => `- ${path}: ${message}`),
    ...(hint === undefined ? [] : [`Hint: ${hint}`]),
  ];
  return { text: lines.join("\n"), fields: { ...problem }, isError: true };
}
