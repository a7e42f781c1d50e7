/** The Worker's bindings for tests. An object has its contract's methods, and is also a stub for `runInDurableObject`. */
import { env as bindings } from "cloudflare:workers";
import type { DirectoryObject } from "../../durable-objects/directory/object.ts";
import type { FanOutObject } from "../../durable-objects/fan-out/object.ts";
import type { HeartbeatObject } from "../../durable-objects/heartbeat/object.ts";
import type { JobObject } from "../../durable-objects/job/object.ts";
import type { MailboxObject } from "../../durable-objects/mailbox/object.ts";
import type { SubscriptionObject } from "../../durable-objects/subscription/object.ts";
import { SHARD_COUNT, shardOf } from "../../src/domain/directory-shard.ts";
import type { Env } from "../../src/env.ts";
import type { DirectoryRpc } from "../../src/objects/directory.ts";
import type { FanOutRpc } from "../../src/objects/fan-out.ts";
import type { HeartbeatRpc } from "../../src/objects/heartbeat.ts";
import type { JobRpc } from "../../src/objects/job.ts";
import type { MailboxRpc } from "../../src/objects/mailbox.ts";
import type { SubscriptionRpc } from "../../src/objects/subscription.ts";

type Stub<Contract, Class extends Rpc.DurableObjectBranded> = Contract & DurableObjectStub<Class>;
type Namespace<Contract, Class extends Rpc.DurableObjectBranded> = {
  getByName(name: string): Stub<Contract, Class>;
} & DurableObjectNamespace<Class>;

export type JobStub = Stub<JobRpc, JobObject>;
export type DirectoryStub = Stub<DirectoryRpc, DirectoryObject>;
export type FanOutStub = Stub<FanOutRpc, FanOutObject>;
export type HeartbeatStub = Stub<HeartbeatRpc, HeartbeatObject>;

type TestEnv = {
  readonly JOB: Namespace<JobRpc, JobObject>;
  readonly DIRECTORY: Namespace<DirectoryRpc, DirectoryObject>;
  readonly FAN_OUT: Namespace<FanOutRpc, FanOutObject>;
  readonly HEARTBEAT: Namespace<HeartbeatRpc, HeartbeatObject>;
  readonly MAILBOX: Namespace<MailboxRpc, MailboxObject>;
  readonly SUBSCRIPTION: Namespace<SubscriptionRpc, SubscriptionObject>;
} & Env;

export const env = bindings as unknown as TestEnv;

export const shardAt = (index: number): DirectoryStub => env.DIRECTORY.getByName(`shard-${index}`);
/** As `shardFor` of src/objects/directory.ts. */
export const shardFor = (key: string): DirectoryStub => shardAt(shardOf(key, SHARD_COUNT));
export const allShards = (): DirectoryStub[] => Array.from({ length: SHARD_COUNT }, (_, index) => shardAt(index));
