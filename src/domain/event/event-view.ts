/** An event as clients see it: in lists, in messages to webhooks, over MCP. */
import type { Event } from "../../schema/event.ts";
import { formatInstant } from "../time/instant.ts";
import type { ReportedEvent } from "./report.ts";

export const eventView = ({ id, type, at, message, job, run }: ReportedEvent): Event => ({
  id,
  type,
  at: formatInstant(at),
  message,
  ...(job === undefined ? {} : { job_id: job.id, job_name: job.name }),
  ...(run === undefined ? {} : { run }),
});

/** The body of a call to a webhook (docs/contract.md §18). */
export function eventMessage(event: ReportedEvent) {
  const { run: _run, ...view } = eventView(event);
  const { job, run, type, at, count = 1 } = event;
  return {
    type,
    timestamp: formatInstant(at),
    data: {
      event: view,
      ...(job === undefined
        ? {}
        : {
            job: {
              id: job.id,
              name: job.name,
              owner_kind: job.ownerKind,
              exec_scope: job.execScope,
              ...(job.agentId === undefined ? {} : { agent_id: job.agentId }),
              ...(job.userId === undefined ? {} : { user_id: job.userId }),
              ...(job.pluginId === undefined ? {} : { plugin_id: job.pluginId }),
              labels: job.labels,
            },
          }),
      ...(run === undefined ? {} : { run }),
      count,
    },
  };
}
