/** The bill by Cloudflare's published prices for Durable Objects, beyond what a plan includes (docs/performance.md has the source). */

/** Dollars per million. */
const REQUEST = 0.15;
const ROW_WRITTEN = 1;
const ROW_READ = 0.001;
/** A million GB-s; an object has 128 MB. */
const GB_SECOND = 12.5;
const OBJECT_GB = 0.128;

/** Dollars per million of an action, by its object calls, rows and seconds of an object's time. */
export const dollarsPerMillion = (each: {
  readonly objectCalls: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly awakeSeconds: number;
}): number =>
  each.objectCalls * REQUEST +
  each.rowsWritten * ROW_WRITTEN +
  each.rowsRead * ROW_READ +
  each.awakeSeconds * OBJECT_GB * GB_SECOND;
