/** Writes web/public/llms.txt into the Worker, which serves it over MCP: `npm exec -- node scripts/llms-text.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** The module with the page. A test checks that the two are equal. */
export const llmsModule = (page: string): string =>
  `/** web/public/llms.txt, written here by scripts/llms-text.ts: change that file and run it. */\nexport const LLMS_TEXT: string = ${JSON.stringify(page)};\n`;

if (import.meta.main) {
  const page = readFileSync(join(root, "web/public/llms.txt"), "utf8");
  writeFileSync(join(root, "src/http/mcp/generated/llms.ts"), llmsModule(page));
}
