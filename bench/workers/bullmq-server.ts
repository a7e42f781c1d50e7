/** The same work with BullMQ: a delayed job, a worker that calls the sink, its answer kept as the job's result. */
import { Queue, Worker } from "bullmq";
import { callAgent, serveQueue, Wake } from "./queue-http.ts";

const url = process.env.AGENT_URL ?? "";
const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };
const CONCURRENCY = 200;
const BULK = 1_000;

const queue = new Queue("wake", { connection });
const users = new Queue("users", { connection });
let awaited = 0;
let done = (): void => {};

new Worker("wake", (job) => callAgent(url, Wake.parse(job.data)), { connection, concurrency: CONCURRENCY });
const userWorker = new Worker("users", (job) => callAgent(url, job.data), { connection, concurrency: CONCURRENCY });
// Emitted once the result is stored.
userWorker.on("completed", () => {
  if (--awaited === 0) done();
});

serveQueue({
  async add(wake) {
    await queue.add("wake", wake, { delay: Math.max(0, wake.due - Date.now()) });
  },
  async fanOut(count, concurrency) {
    userWorker.concurrency = concurrency;
    awaited = count;
    const finished = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let from = 0; from < count; from += BULK) {
      const size = Math.min(BULK, count - from);
      await users.addBulk(
        Array.from({ length: size }, (_, i) => ({
          name: "user",
          data: { user_id: `user-${from + i}`, message: "Summarise the week." },
        })),
      );
    }
    await finished;
  },
});
