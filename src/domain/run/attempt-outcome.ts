import type { Steering } from "./control.ts";

/** The outcome of one attempt to call the agent: a closed union of the classes of docs/contract.md §4. */
export type AttemptOutcome =
  /** 2xx except 202. */
  | {
      readonly kind: "success";
      readonly httpStatus?: number;
      readonly output?: string;
      readonly outputTruncated?: boolean;
      /** The control that the agent answered back. */
      readonly heard?: Steering;
    }
  /** 202: the agent goes on and reports later. */
  | { readonly kind: "accepted"; readonly httpStatus: number }
  /** The run lies in the mailbox of agent `agentId` since `offeredAt` (epoch ms), until it is claimed. */
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
  /** The platform allowed no further call in this invocation, so none was made. The same attempt is made in the next one. */
  | { readonly kind: "postponed" }
  /** We aborted the call ourselves, and the run has been ended already. */
  | { readonly kind: "aborted" };
