/** The same work with pg-boss: a job that starts later, workers that call the sink. It polls, twice a second at most. */
import { PgBoss } from "pg-boss";
import { callAgent, serveQueue, Wake } from "./queue-http.ts";

const url = process.env.AGENT_URL ?? "";
const boss = new PgBoss({
  host: "127.0.0.1",
  port: Number(process.env.POSTGRES_PORT),
  user: "bench",
  database: "postgres",
  max: 20,
});
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue("wake");
await boss.work<Wake>("wake", { batchSize: 200, pollingIntervalSeconds: 0.5 }, async (jobs) => {
  await Promise.all(jobs.map(({ data }) => callAgent(url, Wake.parse(data))));
});

serveQueue({
  async add(wake) {
    await boss.send("wake", wake, { startAfter: new Date(wake.due) });
  },
});
