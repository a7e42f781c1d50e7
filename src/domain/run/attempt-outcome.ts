import type { Steering } from "./control.ts";

/** The outcome of one attempt to call the agent, as a closed union of the cases of docs/contract.md §4. */
export type AttemptOutcome =
  /** 2xx except 202. */
  | {
      readonly kind: "success";
      readonly httpStatus?: number;
      readonly output?: string;
      readonly outputTruncated?: boolean;
      /** The control in the agent's answer. */
      readonly steering?: Steering;
    }
  /** 202: the agent continues and reports later. */
  | { readonly kind: "accepted"; readonly httpStatus: number }
  /** The run has been in the mailbox of agent `agentId` since `offeredAt` (epoch ms), until it is claimed. */
  | { readonly kind: "offered"; readonly offeredAt: number; readonly agentId: string }
  /** 410: the agent does not want this job any more. */
  | { readonly kind: "gone"; readonly reason: string; readonly httpStatus: number }
  /** 408, 429, 5xx, no connection, a timeout or an interruption. Another attempt may succeed. */
  | {
      readonly kind: "retryable";
      readonly reason: string;
      readonly httpStatus?: number;
      readonly retryAfterMs?: number;
    }
  /** Any other status, a redirect, no agent or no secret. Another attempt would not help. */
  | { readonly kind: "refused"; readonly reason: string; readonly httpStatus?: number; readonly steering?: Steering }
  /** The platform allowed no further call in this invocation, so the next invocation makes this attempt. */
  | { readonly kind: "postponed" }
  /** We aborted the call ourselves; its run has already ended. */
  | { readonly kind: "aborted" };
