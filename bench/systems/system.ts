/** The measured systems: schedulers behind HTTP that call the sink when a job is due. */
import type { Request } from "../load.ts";

/** `disk` is a disk as for users' data. `ram` is a RAM disk, which shows the disk's part of the time. */
export type Medium = "disk" | "ram";

export type StartOptions = {
  /** An empty folder of the system's own. */
  readonly dataDir: string;
  /** The URL that due jobs call. */
  readonly agentUrl: string;
};

export type Running = {
  readonly port: number;
  readonly dataDir: string;
  /** Leader of the process group. */
  readonly pid: number;
  /** Makes the n-th job, due once at `at` (epoch ms). */
  create(at: number, n: number): Request;
  /** Calls the agent once for each user, so many at a time; resolves with the users a second, until the last result is stored. */
  fanOut?(users: number, concurrency: number): Promise<number>;
  stop(): Promise<void>;
};

/** A system that only fans out. */
export type FansOut = Pick<Running, "stop"> & Required<Pick<Running, "fanOut">>;

/** A system that can be started and measured. `name` is its name in the tables. */
export type Startable<R> = {
  readonly name: string;
  start(options: StartOptions): Promise<R>;
};

export type System = Startable<Running> & {
  /** Whether a job is a Durable Object, which sleeps until it is due. */
  readonly objectPerJob: boolean;
  readonly isReveille?: boolean;
  /** Whether it drops the fraction of a second of a job's time. */
  readonly wholeSeconds?: boolean;
};

/** The instruction that every job carries, everywhere the same. */
export const MESSAGE = "Look through today's mail and tell me what needs an answer before noon.";

/** The call that makes a job, due at `at`, of every system but Reveille, which has an API of its own. */
export const postJob = (at: number): Request => ({
  method: "POST",
  path: "/jobs",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ at, message: MESSAGE }),
});
