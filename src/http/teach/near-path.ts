/** The route that a call to an unknown path most likely meant: singular for plural, a missing /v1, another word. */
import type { AnyRoute } from "../route.ts";
import { slipsBetween, spelling } from "./near.ts";

/** Synonyms of the last piece of a path. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  run: ["execute", "start", "fire", "invoke", "launch", "runnow"],
  pause: ["snooze", "disable", "stop", "suspend", "deactivate", "hold"],
  resume: ["enable", "unpause", "activate", "continue", "restart"],
  runs: ["history", "logs", "log", "executions", "results"],
  jobs: ["schedule", "crons", "cron", "tasks", "task", "reminders", "timers"],
  complete: ["finish", "done", "completion", "result"],
  cancel: ["abort", "kill", "terminate"],
  preview: ["validate", "next", "check", "parse"],
  explain: ["why", "status", "debug"],
  retry: ["rerun", "replay", "again", "repeat", "redo"],
  events: ["stream", "watch", "sse", "subscribe"],
};

/** Last pieces that are methods here. */
const METHOD_WORDS: ReadonlyMap<string, string> = new Map([
  ["delete", "DELETE"],
  ["remove", "DELETE"],
  ["destroy", "DELETE"],
  ["update", "PATCH"],
  ["edit", "PATCH"],
  ["patch", "PATCH"],
  ["create", "POST"],
  ["list", "GET"],
]);

/** The calls for last pieces of paths that are no path here, since a field or another call does it. */
const INSTEAD: ReadonlyMap<string, string> = new Map(
  Object.entries({
    skip: 'POST /v1/jobs/{id}/pause {"until": …}, a second after its next_run_at',
    skipnext: 'POST /v1/jobs/{id}/pause {"until": …}, a second after its next_run_at',
    next: "GET /v1/jobs/{id} for its next_run_at, or POST /v1/schedules/preview with its schedule for more fires",
    nextruns: "GET /v1/jobs/{id} for its next_run_at, or POST /v1/schedules/preview with its schedule for more fires",
    upcoming: "GET /v1/jobs/{id} for its next_run_at, or POST /v1/schedules/preview with its schedule for more fires",
    ...Object.fromEntries(
      ["rotate", "rotatesecret", "secret", "resetsecret", "newsecret", "rotatekey"].map((name) => [
        name,
        'PUT /v1/agents/{id} {"rotate": true}',
      ]),
    ),
    clone: "GET /v1/jobs/{id}, then POST /v1/jobs with its fields",
    copy: "GET /v1/jobs/{id}, then POST /v1/jobs with its fields",
    duplicate: "GET /v1/jobs/{id}, then POST /v1/jobs with its fields",
    reschedule: 'PATCH /v1/jobs/{id} {"schedule": {…}}',
    schedule: 'PATCH /v1/jobs/{id} {"schedule": {…}}',
    cost: "GET /v1/jobs/{id}: its field spent",
    spent: "GET /v1/jobs/{id}: its field spent",
    revoke: "DELETE /v1/tokens/{id}",
  }),
);

/** The call for a path such as `/v1/jobs/j5/skip`, which is no path here. Undefined if none is known. */
function callInstead(path: string): string | undefined {
  const [, collection, id, last = ""] = /^\/(?:v1\/)?(jobs|agents|tokens)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const call = INSTEAD.get(spelling(last));
  return id === undefined || !call?.includes(`/v1/${collection}/{id}`) ? undefined : call.replaceAll("{id}", id);
}

/** The cost up to which a route counts as near. */
const MAX_COST = 1.6;

/** The corrected call, `POST /v1/jobs/abc/run`. Undefined if no route is near. */
export function nearCall(
  method: string,
  path: string,
  routes: readonly AnyRoute[],
  maxCost: number = MAX_COST,
): string | undefined {
  const instead = callInstead(path);
  if (instead !== undefined) return instead;
  const cut = path.lastIndexOf("/");
  const meant = METHOD_WORDS.get(path.slice(cut + 1).toLowerCase());
  if (meant !== undefined) return nearCall(meant, path.slice(0, cut), routes, maxCost);
  const given = withJob(
    path.split("/").filter((piece) => piece !== ""),
    routes,
  );
  const scored = routes
    .filter((route) => route.path !== "/")
    .map((route) => ({
      route,
      ...match(
        given,
        route.path.split("/").filter((piece) => piece !== ""),
      ),
    }))
    .map((one) => ({ ...one, cost: one.cost + (one.route.method === method.toLowerCase() ? 0 : 0.2) }));
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (least, one) => (least === undefined || one.cost < least.cost ? one : least),
    undefined,
  );
  if (best === undefined || best.cost > maxCost) return undefined;
  return `${best.route.method.toUpperCase()} /${best.pieces.join("/")}`;
}

/**
 * The path of a run with its job, from the beginning of the run's id. `/v1/runs/{run_id}/…` lacks the job, but `/v1/runs`
 * itself is a list.
 */
function withJob(given: readonly string[], routes: readonly AnyRoute[]): readonly string[] {
  const pieces = given[0] === "v1" ? given.slice(1) : given;
  const [collection = "", id, ...rest] = pieces;
  const isOfJob = routes.some((route) => route.path.startsWith(`/v1/jobs/:id/${collection}/:`));
  const job = id?.includes("-") ? id.split("-")[0] : undefined;
  return id === undefined || job === undefined || !isOfJob ? given : ["v1", "jobs", job, collection, id, ...rest];
}

type Match = { readonly cost: number; readonly pieces: readonly string[] };

/** Compares the pieces of the path with those of a route. A missing or extra piece costs one. */
function match(given: readonly string[], wanted: readonly string[]): Match {
  const [piece, ...restGiven] = given;
  const [want, ...restWanted] = wanted;
  if (want === undefined) return { cost: given.length, pieces: [] };
  const added = match(given, restWanted);
  const left: Match = { cost: added.cost + (want === "v1" ? 0.3 : 1), pieces: [asPiece(want), ...added.pieces] };
  if (piece === undefined) return left;
  const over = match(restGiven, restWanted);
  const taken: Match = {
    cost: over.cost + costOf(piece, want),
    pieces: [want.startsWith(":") ? piece : want, ...over.pieces],
  };
  return taken.cost <= left.cost ? taken : left;
}

const asPiece = (want: string): string => (want.startsWith(":") ? `{${want.slice(1)}}` : want);

function costOf(piece: string, want: string): number {
  if (piece === want) return 0;
  if (want.startsWith(":")) return 0.2;
  const [a, b] = [spelling(piece.slice(0, 40)), spelling(want)];
  if (a === b) return 0.1;
  if (SYNONYMS[want]?.some((word) => word === a || `${word}s` === a) === true) return 0.5;
  const slips = slipsBetween(a, b);
  return slips <= Math.max(1, Math.floor(b.length / 4)) ? 0.4 : 1.5;
}
