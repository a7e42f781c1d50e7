/** `npm start`: the whole service on this machine (docs/contract.md §11). */
import { join, resolve } from "node:path";
import { readDevVars } from "./dev-vars.ts";
import { endOnSignal } from "./process.ts";
import { startService } from "./service.ts";
import { readSettings } from "./settings.ts";

// Everything that is made from here on, workerd's files too, is for this user alone.
process.umask(0o077);
const ending = endOnSignal();
const root = resolve(import.meta.dirname, "..");
const settings = readSettings(process.env, readDevVars(root), process.cwd());
if (!settings.ok) {
  for (const problem of settings.error) console.error(problem);
  process.exit(1);
}
const service = await startService(settings.value, join(root, "wrangler.toml"), (line) => console.log(line));
if (!service.ok) {
  console.error(service.error);
  process.exit(1);
}
ending.stopWith(service.value.stop);
