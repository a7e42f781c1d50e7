/**
 * Tests come in two sizes. `npm test` runs what a change needs in minutes; `npm run test:long` sets TEST_SIZE=long and runs the
 * same rules over far more jobs, users, kills and generated calls.
 * Only the long run has Deno and Bun as users of the package, a client generated of /openapi.json (CI has it too), a job that fires
 * on the minute by the clock, and axe's rules in the dark theme beside those on colours. All else differs in numbers (`bySize`).
 */
export const isLong = process.env.TEST_SIZE === "long";

/** The number for the size that runs. Every rule holds at both. */
export const bySize = (short: number, long: number): number => (isLong ? long : short);
