/**
 * Tests come in two sizes. `npm test` runs what a change needs in minutes; `npm run test:long` sets TEST_SIZE=long and runs the
 * same rules over far more jobs, users, kills and generated calls.
 */
export const isLong = process.env.TEST_SIZE === "long";

/** The number for the size that runs. Every rule holds at both. */
export const bySize = (short: number, long: number): number => (isLong ? long : short);
