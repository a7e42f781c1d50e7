/**
 * Reveille as a library: an assistant for a newsletter whose jobs run in this Worker's own code instead of being sent to an agent.
 * Everything is registered at module level, as Go's `init()` would; the last lines make it a Worker.
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

/** Builtin jobs are there after the first tick. This one has its own handler. */
registerBuiltin({
  name: "count-subscribers",
  description: "Notes how many subscribers there are",
  schedule: { cron: "0 * * * *" },
  handler: async ({ run, sessionId }) => {
    await journal().add(`count-subscribers in ${sessionId} for ${run.scheduled_at}`);
    return { subscribers: SUBSCRIBERS.length };
  },
});

/** A builtin with a message goes where all jobs go, here to the job handler below: once for each active user. */
registerBuiltin({
  name: "weekly-letter",
  schedule: { cron: "0 8 * * MON" },
  exec_scope: "all_users",
  fan_out: { concurrency: 10 },
  message: "Write this week's letter.",
});

/** Every other job that fires, those made over HTTP too. What it returns is the run's output; what it throws, its error. */
setJobHandler(async ({ job, run, sessionId }) => {
  const reader = run.user_id ?? "nobody in particular";
  await journal().add(`${job.name} for ${reader} in ${sessionId}`);
  return `Dear ${reader}: ${job.message ?? ""}`;
});

/** Hears of every run that has ended. It throws, so a run that would have been a success is an error. */
addRunListener(({ run }) => {
  if (run.output?.includes("lorem ipsum")) throw new Error("the letter still has dummy text in it");
});

everyMinutes(1, "pulse", async ({ scheduledTime }) => {
  await journal().add(`pulse ${new Date(scheduledTime).toISOString()}`);
});

/** Any interval from a second, counted from the start on. */
scheduleEvery("2s", "short-pulse", async () => {
  await journal().add("short pulse");
});

const SUBSCRIBERS = ["ada", "ben", "cho"];

/** Whom all_users jobs run for, in an order that does not change. A real one reads a database page by page. */
setActiveUsers(async function* () {
  yield* SUBSCRIBERS;
});

/** How often the assistant looks whether anything is to be done. Its document is written over HTTP. */
setHeartbeat("editor", { every: "20s", agent_id: "" });

/** The heartbeat asks here first whether anything is to be done, then what. */
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

/** `export default reveille` would do; here it shares the Worker with a route of its own. */
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname === "/journal") return Response.json(await journal().lines());
    return reveille.fetch(request, env, ctx);
  },
  scheduled: reveille.scheduled,
};
