/**
 * Prints the size of the Worker that `wrangler deploy --dry-run --outdir FOLDER` built. It fails if that is over the
 * budget.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KIB = 1_024;
/**
 * The budget. Cloudflare accepts 3 MiB on its Free plan. Start-up time grows with the size, and an added library shows
 * here.
 */
const BUDGET_KIB = 400;

const source = readFileSync(join(process.argv[2] ?? "", "index.js"));
const gzipped = gzipSync(source).byteLength / KIB;
console.log(
  `Worker bundle: ${(source.byteLength / KIB).toFixed(0)} KiB, ${gzipped.toFixed(0)} KiB gzipped (budget ${BUDGET_KIB} KiB)`,
);
if (gzipped > BUDGET_KIB) {
  console.error("The Worker is over its budget: leave the new library out, or raise BUDGET_KIB and say why.");
  process.exitCode = 1;
}
