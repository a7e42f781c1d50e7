/** An event as clients see it: in lists, in messages to webhooks, over MCP. */

import type { Event } from "../../schema/event.ts";
import { compact } from "../compact.ts";
import { formatInstant } from "../time/instant.ts";
import type { ReportedEvent } from "./report.ts";

export const eventView = ({ id, type, at, message, job, run }: ReportedEvent): Event => ({
  id,
  type,
  at: formatInstant(at),
  message,
  ...(job === undefined ? {} : { job_id: job.id, job_name: job.name }),
  ...compact({ run }),
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
              ...compact({ agent_id: job.agentId, user_id: job.userId, plugin_id: job.pluginId }),
              labels: job.labels,
            },
          }),
      ...compact({ run }),
      count,
    },
  };
}
