/** Every limit a client can meet, with its unit in the name. The numbers are docs/contract.md's; change them there first. */
export const KIB = 1024;

export const MAX_NAME_BYTES = 200;
export const MAX_DESCRIPTION_BYTES = 2_000;
export const MAX_MESSAGE_BYTES = 64 * KIB;
export const MAX_PAYLOAD_BYTES = 64 * KIB;
export const MAX_USER_ID_BYTES = 128;
export const MAX_LABELS = 16;
export const MAX_LABEL_KEY_BYTES = 63;
export const MAX_LABEL_VALUE_BYTES = 200;
export const MAX_OUTPUT_BYTES = 16 * KIB;
export const MAX_PROGRESS_MESSAGE_BYTES = 500;
/** A reason that a client or an agent gives for a pause. */
export const MAX_CONTROL_TEXT_BYTES = 500;
/**
 * So much of a JSON answer is read to find what the agent answers back. Of its output the first {@link
 * MAX_OUTPUT_BYTES} are kept.
 */
export const MAX_ANSWER_BYTES = 256 * KIB;
/** So much of the previous output is handed over with `continuity`. */
export const MAX_PREVIOUS_OUTPUT_BYTES = 8 * KIB;
/** croner takes 3.4 ms for 10,000 characters; no honest expression comes near this. */
export const MAX_CRON_CHARS = 256;
/** The number of exclusions that a schedule may have. */
export const MAX_EXCLUSIONS = 64;

export const MAX_BODY_BYTES = 256 * KIB;
export const MAX_IMPORT_BODY_BYTES = 10 * KIB * KIB;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

export const MIN_EVERY_MS = SECOND_MS;
export const MAX_EVERY_MS = 365 * DAY_MS;
/** The longest that run now may wait for the end of its run. */
export const MIN_RUN_WAIT_MS = SECOND_MS;
export const MAX_RUN_WAIT_MS = 50 * SECOND_MS;
export const MIN_PACING_MS = SECOND_MS;
export const MAX_PACING_MS = 365 * DAY_MS;
export const MIN_TIMEOUT_MS = SECOND_MS;
export const MAX_TIMEOUT_MS = 10 * MINUTE_MS;
export const MIN_COMPLETION_TIMEOUT_MS = SECOND_MS;
export const MAX_COMPLETION_TIMEOUT_MS = 7 * DAY_MS;
export const MIN_CLAIM_TIMEOUT_MS = SECOND_MS;
export const MAX_CLAIM_TIMEOUT_MS = 30 * DAY_MS;
/** The lease of a run that was claimed from a mailbox. */
export const MIN_LEASE_MS = 10 * SECOND_MS;
export const MAX_LEASE_MS = HOUR_MS;
export const DEFAULT_LEASE_MS = MINUTE_MS;
/** The longest that a claim may wait for an offer, and the most runs that it takes at once. */
export const MAX_CLAIM_WAIT_MS = 50 * SECOND_MS;
export const MAX_CLAIM_RUNS = 10;
/** Runs that one socket may hold at once, and sockets of one agent. */
export const MAX_SOCKET_RUNS = 100;
export const MAX_AGENT_SOCKETS = 10;
/** Frames a minute that a token's sockets get answers to. Ten times its calls, for an agent that reports on a hundred runs. */
export const MAX_FRAMES_A_MINUTE = 6_000;
/** Event streams of one job; streams and sockets of one token, over all jobs and agents. */
export const MAX_JOB_STREAMS = 10;
export const MAX_TOKEN_STREAMS = 50;
/** The number of rows of one shard that are looked at for one page, unless the page itself has more. An empty one is looked for so often. */
export const LOOKED_AT_ROWS = 2_000;
export const MAX_LOOKS = 2;
export const MAX_CATCHUP_WINDOW_MS = 365 * DAY_MS;
/** A shorter wait would only multiply calls of an agent that is down. */
export const MIN_BACKOFF_MS = SECOND_MS;
/** Backoffs have no bound in the contract; a week keeps a retry within the completion limit's order of size. */
export const MAX_BACKOFF_MS = 7 * DAY_MS;

/** The time that a finished job stays readable before it is erased. */
export const FINISHED_RETENTION_MS = 7 * DAY_MS;
export const DEFAULT_RUN_RETENTION = 100;
export const FAN_OUT_RETENTION = 10;
export const MAX_BACKFILL_FIRES = 1_000;
export const IDEMPOTENCY_WINDOW_MS = DAY_MS;
/** The Free plan allows 50 calls an invocation. The rest is for looking up agents and for reports to other objects. */
export const DEFAULT_CALLS_PER_WAKE = 40;

/** When no tick has come for so long, an alarm or a call does its work. */
export const TICK_MISSING_AFTER_MS = 2 * MINUTE_MS;
