/**
 * Prints `N passed, N failed` from vitest's JSON report. A test file that could not be loaded counts as one failed test. So
 * does any other failure of the whole run, such as a hook's.
 */

import { readFileSync } from "node:fs";
import * as z from "zod";
import { messageOf } from "../src/domain/text/error-text.ts";

const reportSchema = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

const counted = readReport(process.argv[2] ?? "");
const unloaded = counted?.testResults.filter(({ status, assertionResults }) => {
  return status === "failed" && assertionResults.length === 0;
});
const passed = counted?.numPassedTests ?? 0;
const failed = Math.max((counted?.numFailedTests ?? 0) + (unloaded?.length ?? 0), counted?.success ? 0 : 1);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** The report. Undefined if vitest ended before it wrote one. */
function readReport(path: string): z.infer<typeof reportSchema> | undefined {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    console.error(`There is no report of the tests: ${messageOf(error)}`);
    return undefined;
  }
}
