/** The sink for the measures. It runs as `sink-server.ts`. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { ROOT } from "./build.ts";
import { startChild } from "./child.ts";
import { call } from "./load.ts";

/** One received call: its time (epoch ms), its job, and the due time. */
export type Arrival = { readonly at: number; readonly id: string; readonly dueAt: number };

export type Sink = {
  /** `answer` is the path: `/ok`, `/after/50`, `/202`, `/quiet`. */
  url(answer: string): string;
  reset(): Promise<void>;
  /** Waits until `count` calls have come in, and `settleMs` longer for any that should not come. Throws after `limitMs`. */
  arrivals(count: number, limitMs: number, settleMs?: number): Promise<readonly Arrival[]>;
  count(): Promise<number>;
  stop(): Promise<void>;
};

const POLL_MS = 100;

/** The bodies of the systems compared: Reveille's own, and what the others send. */
const Body = z.union([
  z
    .looseObject({ data: z.looseObject({ run: z.looseObject({ id: z.string(), scheduled_at: z.string() }) }) })
    .transform(({ data }) => ({ id: data.run.id, dueAt: Date.parse(data.run.scheduled_at) })),
  z.looseObject({ id: z.string(), due: z.number() }).transform(({ id, due }) => ({ id, dueAt: due })),
]);
const Calls = z.array(z.object({ at: z.number(), body: z.string() }));

export async function startSink(): Promise<Sink> {
  const child = await startChild(process.execPath, [`${ROOT}/bench/sink-server.ts`], { ready: /^Ready on (\d+)$/m });
  const port = Number(child.found);
  const count = async (): Promise<number> => Number((await call(port, { method: "GET", path: "/count" })).body);
  return {
    url: (answer) => `http://127.0.0.1:${port}${answer}`,
    count,
    async reset() {
      await call(port, { method: "POST", path: "/reset" });
    },
    async arrivals(expected, limitMs, settleMs = 300) {
      const deadline = Date.now() + limitMs;
      for (let seen = await count(); seen < expected; seen = await count()) {
        if (Date.now() > deadline) throw new Error(`${seen} of ${expected} calls came within ${limitMs} ms`);
        await sleep(POLL_MS);
      }
      await sleep(settleMs);
      const calls = Calls.parse(JSON.parse((await call(port, { method: "GET", path: "/calls" })).body));
      return calls.map(({ at, body }) => ({ at, ...Body.parse(JSON.parse(body)) }));
    },
    stop: child.stop,
  };
}
