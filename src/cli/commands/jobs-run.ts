/** `reveille jobs run`: starts a run now, and waits for its end when asked to. */
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, Failure } from "../command.ts";
import { jsonOf } from "../job-fields.ts";
import { findJob, JOB } from "../jobs.ts";
import { json } from "../render.ts";
import { RunShape, resultOf } from "../runs.ts";
import { connect, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";

export const runNow: Command = {
  name: "jobs run",
  summary: "Run a job now",
  about: [
    "The schedule does not move. With --wait the command ends with the run: 0 if it was a success, 1 if not. With --wait DURATION it also",
    "ends with 1 where the run has not ended by then; the run goes on.",
  ].join("\n"),
  positionals: [JOB],
  options: {
    message: { type: "string", short: "m", about: "Another message, for this run only" },
    payload: { type: "string", value: "JSON", about: "Another payload, for this run only" },
    wait: {
      type: "string",
      value: "DURATION",
      alone: { value: "", takes: /^\d/ },
      about: "Wait for the run's end, at most so long (1s to 50s), and print its output",
    },
  },
  examples: [
    "reveille jobs run stand-up",
    "reveille jobs run JOB --wait",
    "reveille jobs run JOB --wait 30s",
    "reveille jobs run JOB --message 'Only today.'",
  ],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const { id } = await findJob(service, given.positionals[0] ?? "");
    const [message, payload] = [given.text("message"), given.text("payload")];
    // The service holds the call for the time that is given; without one it is asked until the run has ended.
    const wait = given.text("wait");
    const body = {
      ...compact({ message }),
      ...(payload === undefined ? {} : { payload: jsonOf("payload", payload) }),
      ...(wait ? { wait } : {}),
    };
    const answered = await service.send(
      "POST",
      `/v1/jobs/${id}/run`,
      Object.keys(body).length === 0 ? {} : { json: body },
    );
    const run = RunShape.safeParse(answered).data;
    if (wait && run !== undefined) return showEnd(run, given.flag("json"), terminal);
    const begun = read(Begun, answered);
    if (wait !== undefined && begun.run_id !== undefined) {
      if (wait !== "")
        throw new Failure(`Run ${begun.run_id} has not ended within ${wait}.`, `It goes on: reveille jobs runs ${id}`);
      return showEnd(await ended(service, id, begun.run_id), given.flag("json"), terminal);
    }
    if (given.flag("json")) terminal.print(json(answered));
    else
      terminal.print(
        begun.run_id === undefined ? `Fan-out ${begun.fan_out_id} has begun.` : `Run ${begun.run_id} has begun.`,
      );
    return 0;
  },
};

const Begun = z.looseObject({ run_id: z.string().optional(), fan_out_id: z.string().optional() });
const LOOK_MS = 500;

async function ended(service: Service, job: string, run: string): Promise<RunShape> {
  for (;;) {
    const seen = read(RunShape, await service.send("GET", `/v1/jobs/${job}/runs/${run}`));
    if (seen.status !== "running") return seen;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function showEnd(run: RunShape, isJson: boolean, terminal: Terminal): number {
  const isGood = run.status === "success";
  if (isJson) terminal.print(json(run));
  else if (isGood) terminal.print(run.output ?? "");
  else terminal.warn(`${run.status}: ${resultOf(run)}`);
  return isGood ? 0 : 1;
}
