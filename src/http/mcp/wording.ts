/** The words of the API for readers who have tools and no paths: `POST /v1/jobs/{id}/run` is `run_job_now` to them. */
import { json } from "../teach/write.ts";
import type { Tool } from "./tools.ts";

const CALL = /\b(GET|POST|PUT|PATCH|DELETE) ((?:…|\.\.\.)?\/[^\s,;()"'`]*)/g;

/** The text with every call for which there is a tool by the tool's name; calls without one stay. */
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

/** Whether the path, its ids written in any way or its beginning left out, is the route's. */
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

/** The ids that the path names in so many words, by the tools' names for them. */
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
