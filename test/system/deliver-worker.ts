/** `deliver` as a Worker, for deliver.test.ts: takes a call as JSON, makes it with workerd's own fetch, gives the answer as JSON. */
import { deliver } from "../../src/delivery/deliver.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const { call, hangUpAfterMs } = await request.json<{
      call: Parameters<typeof deliver>[0];
      hangUpAfterMs?: number;
    }>();
    const hangUp = new AbortController();
    if (hangUpAfterMs !== undefined) setTimeout(() => hangUp.abort(), hangUpAfterMs);
    return Response.json(await deliver(call, { fetch, now: Date.now, signal: hangUp.signal }));
  },
};
