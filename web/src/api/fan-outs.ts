/** /v1/jobs/{id}/fan-outs. */
import type { FanOut } from "../../../src/schema/fan-out.ts";
import { call, type Page, v1 } from "./client.ts";

export type { FanOut };

export const listFanOuts = (jobId: string, cursor?: string, signal?: AbortSignal) =>
  call<Page<FanOut>>("GET", v1("jobs", jobId, "fan-outs"), { query: { cursor }, signal });
export const getFanOut = (jobId: string, id: string, signal?: AbortSignal) =>
  call<FanOut>("GET", v1("jobs", jobId, "fan-outs", id), { signal });
