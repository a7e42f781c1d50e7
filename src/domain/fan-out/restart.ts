/** The restarts of a shard, and the users who are given up because their calls kill it. */

/**
 * The number of restarts in a row without a logged run. After that the users being called are given up, since one of their
 * calls kills the object.
 */
const MAX_RESTARTS_WITHOUT_PROGRESS = 5;

/**
 * A shard's record of its restarts. It holds the number of logged runs at the last one, and the restarts in a row without a
 * new run.
 */
export type Restarts = { readonly loggedAtLastStart: number; readonly restartsWithoutProgress: number };

/**
 * Judges a restart when the first user begins after it. If calls have killed the object again and again, their users are
 * given up. From the first such restart on each run is written at once, since a kill also loses the unwritten runs beside
 * it.
 */
export function judgeRestart(
  { loggedAtLastStart, restartsWithoutProgress: before }: Restarts,
  logged: number,
  concurrency: number,
): { readonly toGiveUp: number; readonly writeThrough: boolean; readonly note: Restarts } {
  const restartsWithoutProgress = logged === loggedAtLastStart ? before + 1 : 0;
  const giveUp = restartsWithoutProgress >= MAX_RESTARTS_WITHOUT_PROGRESS;
  return {
    toGiveUp: giveUp ? concurrency : 0,
    writeThrough: restartsWithoutProgress > 0,
    note: { loggedAtLastStart: logged, restartsWithoutProgress: giveUp ? 0 : restartsWithoutProgress },
  };
}
