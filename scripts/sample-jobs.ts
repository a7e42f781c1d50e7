/** A data set like a team's, for the dashboard's pictures and for trials (`npm run seed`). */
const HOUR_MS = 3_600_000;
const ZONE = "Europe/Berlin";

/** The ids of two jobs for pictures. */
export type SampleJobs = { readonly priceWatch: string; readonly crawl: string };

/**
 * Creates a small team's data in the service at `url`: jobs of every kind, past runs, a fan-out, a heartbeat. Rejects with
 * the answer of the first refused call. `token` is the operator's.
 */
export async function makeSampleJobs(url: string, token: string): Promise<SampleJobs> {
  const call = async (path: string, body: unknown, method = "POST") => {
    const isText = typeof body === "string";
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": isText ? "text/markdown" : "application/json",
      },
      body: isText ? body : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    const text = await response.text();
    return text === "" ? {} : JSON.parse(text);
  };
  const make = async (name: string, schedule: object, more: object = {}): Promise<string> => {
    const { id } = await call("/v1/jobs", { name, schedule, message: "Do it.", ...more });
    return id;
  };
  const backfill = (id: string, hours: number) =>
    call(`/v1/jobs/${id}/backfill`, {
      from: new Date(Date.now() - hours * HOUR_MS).toISOString(),
      to: new Date().toISOString(),
    });

  for (const [index, team] of ["Sales", "Support", "Legal", "Design", "Finance", "Research"].entries()) {
    await make(`${team} summary`, { cron: "0 9 * * 1-5", timezone: ZONE }, { user_id: `user-${index}` });
  }
  for (let index = 0; index < 24; index++) {
    const hour = [6, 8, 9, 12, 12, 17, 18, 21][index % 8];
    await make(`Check of shop ${index + 1}`, { cron: `${index % 3 === 0 ? 0 : index} ${hour} * * *`, timezone: ZONE });
  }
  const annual = await make(
    "Read the annual reports",
    { cron: "0 6 1 * *", timezone: ZONE },
    { labels: { team: "research" } },
  );
  const backup = await make("Nightly backup check", { cron: "30 2 * * *", timezone: "America/New_York" });
  await make("Renew the lease", { at: new Date(Date.now() + 73 * HOUR_MS).toISOString() }, { user_id: "alice" });
  const hold = await make("Newsletter draft", { cron: "0 16 * * FRI", timezone: ZONE }, { enabled: false });
  const digest = await make("Weekly digest", { cron: "0 8 * * MON", timezone: ZONE }, { exec_scope: "all_users" });
  const inbox = await make("Inbox sweep", { every: "15m" }, { user_id: "alice", labels: { tier: "gold" } });
  const crawl = await make("Crawl the forum", { every: "2s" }, { agent_id: "" });
  const priceWatch = await make(
    "Price watch",
    { cron: "5 * * * *", timezone: ZONE },
    {
      labels: { team: "shop" },
      description: "What the competitors' prices did in the last hour.",
      retry: { max_attempts: 3, min_backoff: "1s", max_backoff: "1s" },
      payload: { skus: 412 },
    },
  );
  await backfill(priceWatch, 36);
  await backfill(inbox, 5);
  await backfill(backup, 24 * 9);
  await backfill(hold, 24 * 40);

  const run = await call(`/v1/jobs/${annual}/run`, {});
  await call(`/v1/jobs/${annual}/runs/${run.run_id}/progress`, { percent: 64, message: "19 of 30 reports read" });
  await call("/v1/users/import", { users: Array.from({ length: 300 }, (_, index) => `user-${index}`) });
  await call(`/v1/jobs/${digest}/run`, {});
  await call(
    "/v1/heartbeats/main",
    { every: "30m", active_hours: { start: "08:00", end: "22:00", timezone: ZONE } },
    "PUT",
  );
  await call(
    "/v1/heartbeats/main/document",
    "# What to look after\n\n- mail from the landlord\n- the build, when it is red for more than an hour\n",
    "PUT",
  );
  await call("/v1/heartbeats/main/beat", {});
  return { priceWatch, crawl };
}
