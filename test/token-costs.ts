/** Bounds that docs/token-costs.md counts with. Those of rows are measured: test/worker/stories/rows-of-a-call.test.ts. */

/** The most rows that one call has written, the run that it starts and its event among them. */
export const ROWS_OF_A_CALL = 20;
/** The most rows that a report of progress has written. */
export const ROWS_OF_A_FRAME = 3;
