/** The call that a wrong path most likely means (src/http/teach/near-path.ts). */
import { expect, it } from "vitest";
import { nearCall } from "../../../../src/http/teach/near-path.ts";

it.each([
  ["/v1/jobs/j5/reschedule", 'PATCH /v1/jobs/j5 {"schedule": {…}}'],
  ["/v1/tokens/t1/revoke", "DELETE /v1/tokens/t1"],
  ["/v1/agents/home/rotate-secret", 'PUT /v1/agents/home {"rotate": true}'],
  // Another collection has no such call.
  ["/v1/agents/home/reschedule", undefined],
  // Every object has a property of this name, and no path has.
  ["/v1/jobs/j5/constructor", undefined],
  ["/v1/jobs/j5/__proto__", undefined],
])("answers %s with the call that does it: %s", (path, call) => {
  expect(nearCall("POST", path, [])).toBe(call);
});
