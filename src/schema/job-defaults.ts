/** The defaults of a job's fields (docs/contract.md §2), apart from their shapes: the dashboard's form begins with them. */
export const JOB_DEFAULTS = {
  session_mode: "reuse",
  overlap: "skip",
  timeout: "5m",
  completion_timeout: "1h",
  claim_timeout: "24h",
  catchup_window: "24h",
  retry: { max_attempts: 3, min_backoff: "5s", max_backoff: "10m" },
  fan_out: { concurrency: 50 },
  report: "problems",
} as const;
