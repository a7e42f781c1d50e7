/**
 * Every limit that a client can meet, with its unit in the name. The numbers are those of docs/contract.md; change them
 * there first.
 */
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
/** The longest reason that a client or an agent gives for a pause. */
export const MAX_CONTROL_TEXT_BYTES = 500;
/**
 * The part of a JSON answer that is read to find the agent's control. Of its output the first {@link MAX_OUTPUT_BYTES} are
 * kept.
 */
export const MAX_ANSWER_BYTES = 256 * KIB;
/** The part of the previous output that `continuity` passes on. */
export const MAX_PREVIOUS_OUTPUT_BYTES = 8 * KIB;
/**
 * The longest cron expression. croner takes 3.4 ms for 10,000 characters, and no honest expression comes near this length.
 */
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
/**
 * The frames a minute that a token's sockets may send. They are ten times its calls, for an agent that reports on a hundred
 * runs.
 */
export const MAX_FRAMES_A_MINUTE = 6_000;
/** The event streams of one job. Below: streams and sockets of one token, over all jobs and agents. */
export const MAX_JOB_STREAMS = 10;
export const MAX_TOKEN_STREAMS = 50;
/**
 * The rows of one shard that are looked at for one page, unless the page itself has more. Empty pages are repeated with
 * their cursor.
 */
export const LOOKED_AT_ROWS = 2_000;
export const MAX_LOOKS = 2;
export const MAX_CATCHUP_WINDOW_MS = 365 * DAY_MS;
/** The shortest backoff. A shorter one would only multiply calls of an agent that is down. */
export const MIN_BACKOFF_MS = SECOND_MS;
/** The longest backoff. The contract has no bound; a week is of the same order as the completion limit. */
export const MAX_BACKOFF_MS = 7 * DAY_MS;

/** The time that a finished job stays readable before it is erased. */
export const FINISHED_RETENTION_MS = 7 * DAY_MS;
export const DEFAULT_RUN_RETENTION = 100;
export const FAN_OUT_RETENTION = 10;
export const MAX_BACKFILL_FIRES = 1_000;
export const IDEMPOTENCY_WINDOW_MS = DAY_MS;
/**
 * The default of CALLS_PER_WAKE. The Free plan allows 50 calls in an invocation. The rest is for looking up agents and for
 * reports to other objects.
 */
export const DEFAULT_CALLS_PER_WAKE = 40;

/** The time without a tick after which an alarm or a call does its work. */
export const TICK_MISSING_AFTER_MS = 2 * MINUTE_MS;
/** The pause after which a job with waiting backfills looks again whether it is still held. */
export const HELD_CHECK_MS = MINUTE_MS;
