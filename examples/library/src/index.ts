/**
 * Reveille as a library: an assistant for a newsletter, whose jobs run in this Worker's own code instead of being sent to
 * an agent. Everything is registered at module level, as in Go's `init()`. The last lines make it a Worker.
 */
import reveille, {
  addRunListener,
  type Env,
  everyMinutes,
  registerBuiltin,
  scheduleEvery,
  setActiveUsers,
  setHeartbeat,
  setHeartbeatChat,
  setHeartbeatNotifier,
  setJobHandler,
} from "reveille";
import { journal } from "./journal.ts";

/** A builtin job with its own handler. Builtin jobs exist after the first tick. */
registerBuiltin({
  name: "count-subscribers",
  description: "Notes how many subscribers there are",
  schedule: { cron: "0 * * * *" },
  handler: async ({ run, sessionId }) => {
    await journal().add(`count-subscribers in ${sessionId} for ${run.scheduled_at}`);
    return { subscribers: SUBSCRIBERS.length };
  },
});

/** A builtin with a message. It goes to the job handler below, like all jobs, once for each active user. */
registerBuiltin({
  name: "weekly-letter",
  schedule: { cron: "0 8 * * MON" },
  exec_scope: "all_users",
  fan_out: { concurrency: 10 },
  message: "Write this week's letter.",
});

/**
 * Handles every other job that fires, including those created over HTTP. Its return value is the run's output, and what it
 * throws is its error.
 */
setJobHandler(async ({ job, run, sessionId }) => {
  const reader = run.user_id ?? "nobody in particular";
  await journal().add(`${job.name} for ${reader} in ${sessionId}`);
  return `Dear ${reader}: ${job.message ?? ""}`;
});

/** Gets every ended run. If it throws, a run that would have been a success is an error. */
addRunListener(({ run }) => {
  if (run.output?.includes("lorem ipsum")) throw new Error("the letter still has dummy text in it");
});

everyMinutes(1, "pulse", async ({ scheduledTime }) => {
  await journal().add(`pulse ${new Date(scheduledTime).toISOString()}`);
});

/** Runs at any interval from a second, counted from the start. */
scheduleEvery("2s", "short-pulse", async () => {
  await journal().add("short pulse");
});

const SUBSCRIBERS = ["ada", "ben", "cho"];

/** The users of all_users jobs, in an order that does not change. A real one reads a database page by page. */
setActiveUsers(async function* () {
  yield* SUBSCRIBERS;
});

/** How often the assistant looks for work. Its document is written over HTTP. */
setHeartbeat("editor", { every: "20s", agent_id: "" });

/** The heartbeat asks here whether there is work, and then for the work itself. */
setHeartbeatChat(async ({ sessionId }) => ({
  text: sessionId.endsWith(":decision")
    ? JSON.stringify({ action: "run", reason: "the document asks for it" })
    : "All letters have been sent.",
}));

setHeartbeatNotifier(async ({ text }) => {
  await journal().add(`notified: ${text}`);
});

/** Reveille's classes, for wrangler.toml. */
export { DirectoryObject, FanOutObject, HeartbeatObject, JobObject, MailboxObject, SubscriptionObject } from "reveille";
export { JournalObject } from "./journal.ts";

/** The Worker. `export default reveille` would be enough; this one has a route of its own too. */
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/journal") return Response.json(await journal().lines());
    return reveille.fetch(request, env, ctx);
  },
  scheduled: reveille.scheduled,
};
