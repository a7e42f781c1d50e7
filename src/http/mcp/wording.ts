/**
 * The API's texts in the words of tools, for readers who do not use paths: `POST /v1/jobs/{id}/run` becomes `run_job_now`.
 */
import { json } from "../teach/write.ts";
import type { Tool } from "./tools.ts";

const CALL = /\b(GET|POST|PUT|PATCH|DELETE) ((?:…|\.\.\.)?\/[^\s,;()"'`]*)/g;

/** The text with the tool's name in place of every call that has a tool. Calls without one stay. */
export function inTools(text: string, tools: readonly Tool[]): string {
  return text
    .replace(CALL, (whole, method: string, written: string) => {
      const path = written.replace(/[.:?]+$/, "");
      const tail = written.slice(path.length);
      const [bare = "", query] = path.split("?", 2);
      const tool = tools.find(({ route }) => route.method === method.toLowerCase() && isPathOf(bare, route.path));
      if (tool === undefined) return whole;
      const args = { ...paramsIn(bare, tool.route.path), ...Object.fromEntries(new URLSearchParams(query)) };
      return `${tool.name}${Object.keys(args).length === 0 ? "" : ` ${json(args)}`}${tail}`;
    })
    .replaceAll("Idempotency-Key", "idempotency_key");
}

/** Whether the path is the route's, with ids in any form and perhaps without its beginning. */
function isPathOf(path: string, pattern: string): boolean {
  const wanted = piecesOf(pattern);
  const isEnd = /^(?:…|\.\.\.)/.test(path);
  const given = piecesOf(path.replace(/^(?:…|\.\.\.)/, ""));
  if (isEnd ? given.length > wanted.length : given.length !== wanted.length) return false;
  return given.every((piece, index) => {
    const want = wanted[wanted.length - given.length + index] ?? "";
    return want.startsWith(":") || want === piece;
  });
}

/** The ids in the path, by their names in the tools. */
function paramsIn(path: string, pattern: string): Readonly<Record<string, string>> {
  const given = piecesOf(path);
  const wanted = piecesOf(pattern);
  if (given.length !== wanted.length) return {};
  const named = wanted.flatMap((want, index) => {
    const piece = given[index] ?? "";
    if (!want.startsWith(":") || /^[{…]/.test(piece)) return [];
    return [[want === ":id" ? "job_id" : want.slice(1), decodeURIComponent(piece)]];
  });
  return Object.fromEntries(named);
}

const piecesOf = (path: string): readonly string[] => path.split("/").filter((piece) => piece !== "");
