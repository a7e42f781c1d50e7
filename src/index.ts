/**
 * Reveille: a job scheduler for AI agents on Cloudflare Workers.
 *
 * Deployed as it is, this is the Worker. In a Worker of your own you can import it. The functions below register code at
 * module level, and two lines do the rest (see examples/library):
 *
 * ```ts import reveille, { registerBuiltin } from "reveille"; registerBuiltin({ name: "digest", schedule: { cron: "0 3 * *
 * *" }, handler: async ({ sessionId }) => digest(sessionId) });
 *
 * export { DirectoryObject, FanOutObject, HeartbeatObject, JobObject, MailboxObject, SubscriptionObject } from "reveille";
 * export default reveille; ```
 */
import { beginTasks } from "./cron/interval-tasks.ts";
import { tick } from "./cron/tick.ts";
import type { Env } from "./env.ts";
import { buildApp, ROUTES } from "./http/app.ts";

export { DirectoryObject } from "../durable-objects/directory/object.ts";
export { FanOutObject } from "../durable-objects/fan-out/object.ts";
export { HeartbeatObject } from "../durable-objects/heartbeat/object.ts";
export { JobObject } from "../durable-objects/job/object.ts";
export { MailboxObject } from "../durable-objects/mailbox/object.ts";
export { SubscriptionObject } from "../durable-objects/subscription/object.ts";
export { decodePluginJob, isPluginJob, type PluginJob } from "./domain/transfer/plugin-job.ts";
export type { Env } from "./env.ts";
export { type ActiveUsers, setActiveUsers } from "./hooks/active-users.ts";
export { type Builtin, registerBuiltin } from "./hooks/builtins.ts";
export {
  type HeartbeatConfig,
  onHeartbeatChat as setHeartbeatChat,
  onHeartbeatNotify as setHeartbeatNotifier,
  setHeartbeat,
} from "./hooks/heartbeat.ts";
export {
  addRunListener,
  type EndedRun,
  type JobCall,
  type JobHandler,
  type RunListener,
  setJobHandler,
} from "./hooks/job-hooks.ts";
export { everyMinutes, scheduleEvery, type Task, type TaskCall } from "./hooks/tasks.ts";

const app = buildApp(ROUTES);

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    const begun = beginTasks(env);
    if (begun !== undefined) ctx.waitUntil(begun);
    return app.fetch(request, env, ctx);
  },
  async scheduled(controller: ScheduledController, env: Env): Promise<void> {
    await tick(Number(controller.scheduledTime), env, Date.now());
  },
};
export type { ChatFunction, ChatQuestion, NotifyFunction } from "./hooks/heartbeat.ts";
export type { CalledJob, CalledRun } from "./schema/agent-call.ts";
