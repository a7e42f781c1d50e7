import { expect, it } from "vitest";
import { jobRunBody } from "../../../src/agent/body.ts";
import { JobInput } from "../../../src/schema/job.ts";

const job = {
  id: "job",
  ...JobInput.parse({ name: "Morning report", schedule: { cron: "0 9 * * *" }, message: "Write it." }),
  owner_kind: "user",
  exec_scope: "user",
} as const;
const run = {
  id: "job-s1795424400000",
  jobId: "job",
  sessionId: "scheduler:job:u42",
  userId: "42",
  trigger: "schedule",
  dueAt: Date.UTC(2026, 10, 23, 9),
  startedAt: Date.UTC(2026, 10, 23, 9, 0, 0, 12),
  attempt: 2,
} as const;
const complete = { url: "https://reveille.example.com/v1/jobs/job/runs/job-s1795424400000/complete", token: "t" };
const now = Date.UTC(2026, 10, 23, 9, 0, 5);

it("tells the agent the run, the job, the message, the payload and where to report, as docs/contract.md §4 has it", () => {
  expect(jobRunBody({ run, job, message: "Write it.", payload: { topic: "sales" }, complete, now })).toStrictEqual({
    type: "job.run",
    timestamp: "2026-11-23T09:00:05.000Z",
    data: {
      run: {
        id: "job-s1795424400000",
        job_id: "job",
        session_id: "scheduler:job:u42",
        user_id: "42",
        trigger: "schedule",
        scheduled_at: "2026-11-23T09:00:00.000Z",
        started_at: "2026-11-23T09:00:00.012Z",
        attempt: 2,
      },
      job,
      message: "Write it.",
      payload: { topic: "sales" },
      complete,
    },
  });
});

it("leaves out what is empty: the user, the message, the payload", () => {
  const { userId: _userId, ...system } = run;
  const { data } = jobRunBody({ run: system, job, message: "", payload: {}, complete, now });
  expect(Object.keys(data)).toEqual(["run", "job", "complete"]);
  expect(data.run).not.toHaveProperty("user_id");
});
