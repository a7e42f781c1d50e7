/**
 * Bounds that docs/token-costs.md counts with, measured by test/worker/stories/rows-of-a-call.test.ts. The rows that they
 * read, a fire with ten attempts and the checks of streams are estimates: test/system/stories/token-costs.test.ts says them.
 */

/** The most rows that one call has written, the run that it starts and its event among them. */
export const ROWS_OF_A_CALL = 20;
/** The most calls of objects that one call causes, until its run has ended. */
export const OBJECT_CALLS_OF_A_CALL = 8;
/** The most rows that a report of progress has written. */
export const ROWS_OF_A_FRAME = 3;
/** The calls of objects for a frame, the frame itself left out. */
export const OBJECT_CALLS_OF_A_FRAME = 1;
