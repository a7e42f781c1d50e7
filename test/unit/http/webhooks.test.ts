/** The API's description of Reveille's own messages agrees with the messages. */
import { expect, it } from "vitest";
import { eventMessage } from "../../../src/domain/event/event-view.ts";
import { defineJob } from "../../../src/domain/job/definition.ts";
import { indexEntryOf } from "../../../src/domain/job/index-entry.ts";
import { newJob } from "../../../src/domain/job/job.ts";
import { EventCall } from "../../../src/schema/agent-call.ts";
import { JobInput } from "../../../src/schema/job.ts";

const AT = Date.UTC(2026, 10, 28);

it("a message about an event, with and without a job", () => {
  const alone = eventMessage({ id: "tick_1", type: "tick.late", at: AT, message: "No tick came." });
  expect(EventCall.parse(alone)).toEqual(alone);
  const input = { name: "report", message: "m", schedule: { every: "1h" }, agent_id: "a1", labels: { team: "ops" } };
  const defined = defineJob(JobInput.parse(input));
  if (!defined.ok) throw new Error("the job is not well defined");
  const { record } = newJob("job1", defined.value, AT);
  const told = eventMessage({ id: "e1", type: "job.paused", at: AT, message: "Paused.", job: indexEntryOf(record) });
  expect(EventCall.parse(JSON.parse(JSON.stringify(told)))).toMatchObject({
    data: { job: { labels: { team: "ops" } } },
  });
});
