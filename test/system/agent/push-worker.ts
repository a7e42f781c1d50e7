/** `deliver` as a Worker, for push.test.ts. It takes a call as JSON, makes it with workerd's own fetch, and returns the answer as JSON. */

import { deliver } from "../../../src/agent/push.ts";
import { TimedDeadline } from "../../../src/outbound/deadline.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const { call, timeoutMs, hangUpAfterMs } = await request.json<{
      call: Parameters<typeof deliver>[0];
      timeoutMs: number;
      hangUpAfterMs?: number;
    }>();
    const hangUp = new AbortController();
    if (hangUpAfterMs !== undefined) setTimeout(() => hangUp.abort(), hangUpAfterMs);
    const deadline = new TimedDeadline(timeoutMs, hangUp.signal);
    const answer = await deliver(call, { fetch, now: Date.now, deadline });
    deadline.close();
    return Response.json(answer);
  },
};
