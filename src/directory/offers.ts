/**
 * The runs in mailboxes, in the order of their offers, for readers that return. MCP's event `run.offered` reads them. The
 * mailbox itself is the list, so an offer costs no further row. A run that was claimed in between is not shown.
 */
import { hash32 } from "../domain/directory-shard.ts";
import type { Caller } from "../domain/job/access.ts";
import type { Env, Settings } from "../env.ts";
import { mapLimit } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";
import { mailboxObject, type OfferPlace, type StandingOffer } from "../objects/mailbox.ts";
import type { Run } from "../schema/run.ts";
import { deliveryOf, findAgent, pullAgents } from "./agents.ts";

/** A filter for offers by job, by the mailbox's agent, or by the job's user. */
export type OfferFilter = {
  readonly job_id?: string | undefined;
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
};

/** A reader's place in each mailbox, named by a hash. A mailbox that is not listed is read from `since` (epoch ms). */
export type OffersPlace = readonly [since: number, mailboxes: readonly (readonly [number, number, string])[]];

export type OfferedRun = {
  readonly offer: StandingOffer;
  readonly agentId: string;
  readonly jobName: string;
  readonly run: Run;
};

export type OffersPage = {
  readonly runs: readonly OfferedRun[];
  readonly place: OffersPlace;
  readonly hasMore: boolean;
};

export type OffersReader = {
  readonly env: Env;
  readonly settings: Settings;
  readonly caller: Caller;
  /** Epoch ms. */
  readonly now: number;
};

/** The most runs that are shown. Each costs two calls. */
export const MAX_OFFERED = 10;
/** The number of mailboxes that are searched if no agent is named. */
const MAX_MAILBOXES = 20;

/** The place after the latest offer. */
export async function endOfOffers(reader: OffersReader, filter: OfferFilter): Promise<OffersPlace> {
  const ends = await mapLimit(await mailboxesFor(reader, filter), async (agentId) => {
    const { end } = await mailboxObject(reader.env, agentId).offers({ limit: 0 });
    return placeIn(agentId, end);
  });
  return [reader.now, ends];
}

/** Up to `limit` unclaimed runs offered after `from` that the caller may see, older ones first. */
export async function readOffers(
  reader: OffersReader,
  filter: OfferFilter,
  [since, known]: OffersPlace,
  limit: number,
): Promise<OffersPage> {
  const { job_id: jobId } = filter;
  const userId = filter.user_id ?? ownOf(reader.caller).user_id;
  const pages = await mapLimit(await mailboxesFor(reader, filter), async (agentId) => {
    const [, offeredAt = since, runId = ""] = known.find(([hash]) => hash === hash32(agentId)) ?? [];
    const after = { offeredAt, runId };
    const page = await mailboxObject(reader.env, agentId).offers({ after, limit, jobId, userId });
    return { ...page, agentId, after };
  });
  const found = pages.flatMap(({ agentId, offers }) => offers.map((offer) => ({ agentId, offer })));
  const taken = found.sort((a, b) => a.offer.offeredAt - b.offer.offeredAt).slice(0, limit);
  const places = pages.map(({ agentId, offers, end, after }) => {
    const own = taken.filter((each) => each.agentId === agentId);
    return placeIn(agentId, own.length === offers.length ? end : (own.at(-1)?.offer ?? after));
  });
  const shown = await mapLimit(taken, ({ agentId, offer }) => show(reader, agentId, offer));
  const hasMore = found.length > taken.length || pages.some((page) => page.hasMore);
  return { runs: shown.filter((run) => run !== undefined), place: [since, places], hasMore };
}

const placeIn = (agentId: string, { offeredAt, runId }: OfferPlace) => [hash32(agentId), offeredAt, runId] as const;

/** The agent and the user that the caller's token is bound to. */
const ownOf = (caller: Caller): Pick<OfferFilter, "agent_id" | "user_id"> =>
  caller.role === "agent" || caller.role === "user" || caller.role === "plugin" ? caller : {};

/**
 * The mailbox of the agent that is asked for or that the token names. Without either, the first mailboxes. None if the
 * token names another agent.
 */
async function mailboxesFor({ env, settings, caller, now }: OffersReader, filter: OfferFilter): Promise<string[]> {
  const own = ownOf(caller);
  const id = filter.agent_id ?? own.agent_id;
  if (own.user_id !== undefined && filter.user_id !== undefined && filter.user_id !== own.user_id) return [];
  if (id === undefined) return pullAgents(env, settings, MAX_MAILBOXES);
  if (own.agent_id !== undefined && id !== own.agent_id) return [];
  const agent = await findAgent(env, settings, id, now);
  return agent !== undefined && deliveryOf(agent) === "pull" ? [id] : [];
}

/** The run with its job's name. Undefined if the caller may not see it, or if it is claimed or over. */
async function show(
  { env, caller }: OffersReader,
  agentId: string,
  offer: StandingOffer,
): Promise<OfferedRun | undefined> {
  const object = jobObject(env, offer.jobId);
  const [job, run] = await Promise.all([object.read(caller), object.run(caller, offer.runId)]);
  if (!job.ok || !run.ok || run.value.status !== "running" || run.value.claimed_at !== undefined) return undefined;
  return { offer, agentId, jobName: job.value.name, run: run.value };
}
