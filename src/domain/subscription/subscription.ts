/** A subscription as its object keeps it. Instants are epoch ms. */
import type { SubscriptionInput } from "../../schema/subscription.ts";

/** `config` is as a client wrote it, with every secret filled in. */
export type StoredSubscription = {
  readonly id: string;
  readonly config: SubscriptionInput;
  readonly createdAt: number;
  readonly updatedAt: number;
};
