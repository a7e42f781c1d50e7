import type { Steering } from "./control.ts";

/** What became of one attempt to call the agent: a closed union, each outcome class of docs/contract.md §4 told apart. */
export type AttemptOutcome =
  /** 2xx except 202. */
  | {
      readonly kind: "success";
      readonly httpStatus?: number;
      readonly output?: string;
      readonly outputTruncated?: boolean;
      /** What the agent answered back. */
      readonly heard?: Steering;
    }
  /** 202: the agent goes on and reports later. */
  | { readonly kind: "accepted"; readonly httpStatus: number }
  /** The run lies in the mailbox of agent `agentId`, which has no address, since `offeredAt` (epoch ms), until it is claimed. */
  | { readonly kind: "offered"; readonly offeredAt: number; readonly agentId: string }
  /** 410: the agent wants no more of this job. */
  | { readonly kind: "gone"; readonly reason: string; readonly httpStatus: number }
  /** 408, 429, 5xx, no connection, a timeout, an interruption: worth another attempt. */
  | {
      readonly kind: "retryable";
      readonly reason: string;
      readonly httpStatus?: number;
      readonly retryAfterMs?: number;
    }
  /** Any other status, a redirect, no agent, no secret: another attempt would change nothing. */
  | { readonly kind: "refused"; readonly reason: string; readonly httpStatus?: number; readonly heard?: Steering }
  /** The platform allowed no further call in this invocation, so none was made: the same attempt is made in the next one. */
  | { readonly kind: "postponed" }
  /** We aborted ourselves; whoever did has already ended the run. */
  | { readonly kind: "aborted" };
