/** `npm start` and `reveille start`: the whole service on this machine (docs/contract.md §11), from its settings to its end. */
import { readDevVars } from "./dev-vars.ts";
import { endOnSignal } from "./process.ts";
import type { BuildWorker } from "./runtime.ts";
import { startService } from "./service.ts";
import { readSettings } from "./settings.ts";

/**
 * Runs the Worker from `build` until a signal ends this process. Settings come from the environment, else from `.dev.vars`
 * in the current folder. A wrong setting or a taken port ends the process with 1 and a sentence on stderr.
 */
export async function serve(build: BuildWorker): Promise<void> {
  // Every file that is created from here on, by workerd too, is for this user alone.
  process.umask(0o077);
  const ending = endOnSignal();
  const cwd = process.cwd();
  const settings = readSettings(process.env, readDevVars(cwd), cwd);
  if (!settings.ok) {
    for (const problem of settings.error) console.error(problem);
    process.exit(1);
  }
  const service = await startService(settings.value, build, (line) => console.log(line));
  if (!service.ok) {
    console.error(service.error);
    process.exit(1);
  }
  ending.stopWith(service.value.stop);
}
