/** Reads the frames of an agent's socket, passes them to the job, and answers them (docs/contract.md §14). */

import { findJob } from "../../src/directory/find-job.ts";
import { compact } from "../../src/domain/compact.ts";
import { invalid, type Outcome } from "../../src/domain/failure.ts";
import { fieldErrors } from "../../src/domain/job/definition.ts";
import { err, ok, type Result } from "../../src/domain/result.ts";
import type { Env } from "../../src/env.ts";
import type { HttpFailure } from "../../src/http/failure.ts";
import { type Problem, problemOf } from "../../src/http/problem.ts";
import type { Claimant } from "../../src/objects/mailbox.ts";
import { MAX_BODY_BYTES } from "../../src/schema/limits.ts";
import { AgentFrame } from "../../src/schema/mailbox.ts";
import type { Run } from "../../src/schema/run.ts";
import { utf8Bytes } from "../../src/schema/text.ts";

export type ReadyFrame = Extract<AgentFrame, { type: "ready" }>;

/** A frame about a run. */
export type RunFrame = Exclude<AgentFrame, { type: "ready" | "drain" }>;

export type FrameAnswer =
  | { readonly type: "ok"; readonly to: string; readonly run_id?: string }
  | { readonly type: "problem"; readonly to?: string; readonly run_id?: string; readonly problem: Problem };

/** A frame that cannot be accepted, with the parts that the answer can quote. */
export type Refused = { readonly to?: string; readonly runId?: string; readonly failure: HttpFailure };

/** Errors: `invalid_json`, `payload_too_large`, `validation_failed`. */
export function readFrame(message: string | ArrayBuffer): Result<AgentFrame, Refused> {
  if (typeof message !== "string") return err({ failure: notJson("A frame is JSON text, and this one is binary.") });
  if (utf8Bytes(message) > MAX_BODY_BYTES)
    return err({ failure: { kind: "payload_too_large", maxBytes: MAX_BODY_BYTES } });
  let sent: unknown;
  try {
    sent = JSON.parse(message);
  } catch {
    return err({ failure: notJson("The frame is not JSON.") });
  }
  const frame = AgentFrame.safeParse(sent);
  if (frame.success) return ok(frame.data);
  return err({ ...quoted(sent), failure: invalid(fieldErrors(frame.error.issues), HINT).error });
}

const HINT =
  'Send {"type": "ready", "capacity": 1}, {"type": "drain"}, or {"type": "progress" | "complete" | "release", "job_id": …, "run_id": …} with the fields of the HTTP call.';

const notJson = (detail: string): HttpFailure => ({ kind: "invalid_json", detail });

function quoted(sent: unknown): Omit<Refused, "failure"> {
  if (typeof sent !== "object" || sent === null) return {};
  return {
    ...("type" in sent && typeof sent.type === "string" ? { to: sent.type.slice(0, 64) } : {}),
    ...("run_id" in sent && typeof sent.run_id === "string" ? { runId: sent.run_id.slice(0, 200) } : {}),
  };
}

/** The parts of a frame that an answer can quote without reading the rest. */
export function quotedIn(frame: Result<AgentFrame, Refused>): Omit<Refused, "failure"> {
  if (frame.ok) return quoted(frame.value);
  const { failure: _failure, ...rest } = frame.error;
  return rest;
}

/** Reports the frame to its run's job. Errors: the job's own. */
export async function report(env: Env, caller: Claimant, frame: RunFrame): Promise<Outcome<Run>> {
  const { type, job_id, run_id } = frame;
  const job = await findJob(env, job_id);
  if (!job.ok) return job;
  switch (type) {
    case "progress": {
      const { type: _type, job_id: _job, run_id: _run, ...progress } = frame;
      return job.value.progressRun(caller, run_id, progress, "mailbox");
    }
    case "complete": {
      const { type: _type, job_id: _job, run_id: _run, ...body } = frame;
      return job.value.completeRun(caller, run_id, body, "mailbox");
    }
    case "release":
      return job.value.releaseRun(caller, run_id, "agent");
  }
}

export const answerTo = ({ type, run_id }: RunFrame, outcome: Outcome<Run>): FrameAnswer =>
  outcome.ok ? { type: "ok", to: type, run_id } : refusal({ to: type, runId: run_id, failure: outcome.error });

export const refusal = ({ to, runId, failure }: Refused): FrameAnswer => ({
  type: "problem",
  ...compact({ to, run_id: runId }),
  problem: problemOf(failure).body,
});
