/** `npm start`: the service of these sources; `reveille start` of the package runs the same with a Worker that is built already. */
import { serve } from "./serve.ts";
import { workerHere } from "./worker-here.ts";

await serve(workerHere);
