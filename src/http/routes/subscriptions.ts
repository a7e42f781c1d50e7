/** `/v1/subscriptions`: who gets messages about which events (docs/contract.md §18). Only the operator may use them. */
import * as z from "zod";
import {
  deleteSubscription,
  findSubscription,
  listSubscriptions,
  putSubscription,
} from "../../directory/subscriptions.ts";
import { authorOf } from "../../domain/audit.ts";
import { invalid } from "../../domain/failure.ts";
import { cursorsOf } from "../../domain/page.ts";
import { reportWarnings } from "../../jobs/report-advice.ts";
import { Delivery, Subscription, SubscriptionInput, TestReport } from "../../schema/subscription.ts";
import { IdText } from "../../schema/text.ts";
import { Advice } from "../../schema/warning.ts";
import { NoBody, pageCursor, pageLimit, pageShape } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Subscriptions";
const cursors = cursorsOf("deliveries", z.int());
/** The header of an answer with a secret, so that no cache keeps it. */
const NO_STORE = { "cache-control": "no-store" };

const list = route({
  method: "get",
  path: "/v1/subscriptions",
  access: "admin",
  id: "listSubscriptions",
  tag,
  summary: "List the subscriptions, by id",
  answers: { 200: { description: "All subscriptions.", schema: pageShape(Subscription) } },
  async handle({ env }) {
    return reply(200, { items: await listSubscriptions(env) });
  },
});

const AdvisedSubscription = z.strictObject({ ...Subscription.shape, warnings: Advice.shape.warnings }).meta({
  id: "AdvisedSubscription",
  description: "The subscription, with warnings.",
});

const put = route({
  method: "put",
  path: "/v1/subscriptions/:id",
  access: "admin",
  id: "putSubscription",
  tag,
  summary: "Create a subscription or replace its configuration",
  description:
    "Every target in `to` gets the events independently. A failed message is retried with a growing pause for 24 hours, the first time within a minute. A new webhook gets a generated secret unless one is given; only this answer shows it. There are at most 100 subscriptions. A masked secret, as GET shows it, keeps the stored one. The subscription begins with events from now on.",
  body: { schema: SubscriptionInput },
  answers: {
    200: { description: "The subscription existed and was updated.", schema: AdvisedSubscription },
    201: {
      description: "The subscription was created.",
      schema: AdvisedSubscription,
      headers: { Location: "Its path." },
    },
  },
  async handle({ env, caller, params, body, now }) {
    const id = IdText.safeParse(params.id);
    if (!id.success) return invalid([{ path: "id", message: "must be 1 to 64 of A-Z, a-z, 0-9, _ and -" }]);
    const put = await putSubscription(env, id.data, body, authorOf(caller));
    if (!put.ok) return put;
    const { created } = put.value;
    const warnings = await reportWarnings(env, body, now);
    const subscription = { ...put.value.subscription, ...(warnings.length === 0 ? {} : { warnings }) };
    return created
      ? reply(201, subscription, { location: `/v1/subscriptions/${id.data}`, ...NO_STORE })
      : reply(200, subscription, NO_STORE);
  },
});

const get = route({
  method: "get",
  path: "/v1/subscriptions/:id",
  access: "admin",
  id: "getSubscription",
  tag,
  summary: "Read a subscription",
  description: "Secrets are masked or left out.",
  answers: { 200: { description: "The subscription.", schema: Subscription } },
  errors: ["not_found"],
  async handle({ env, params }) {
    const found = await findSubscription(env, params.id);
    const read = found.ok ? await found.value.read() : found;
    return read.ok ? reply(200, read.value) : read;
  },
});

const remove = route({
  method: "delete",
  path: "/v1/subscriptions/:id",
  access: "admin",
  id: "deleteSubscription",
  tag,
  summary: "Delete a subscription with its deliveries",
  answers: { 204: { description: "The subscription is gone." } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const gone = await deleteSubscription(env, params.id, authorOf(caller));
    return gone.ok ? reply(204) : gone;
  },
});

const deliveries = route({
  method: "get",
  path: "/v1/subscriptions/:id/deliveries",
  access: "admin",
  id: "listDeliveries",
  tag,
  summary: "List a subscription's deliveries, newest first",
  description: "One for each event and target; the newest 1,000 are kept, for 30 days.",
  query: z.strictObject({ limit: pageLimit(50), cursor: pageCursor }),
  answers: { 200: { description: "A page of deliveries.", schema: pageShape(Delivery) } },
  errors: ["not_found"],
  async handle({ env, params, query }) {
    const before = cursors.after(query.cursor);
    if (!before.ok) return before;
    const found = await findSubscription(env, params.id);
    const page = found.ok ? await found.value.deliveries({ limit: query.limit, before: before.value }) : found;
    return page.ok ? reply(200, cursors.shown(page.value)) : page;
  },
});

const retry = route({
  method: "post",
  path: "/v1/subscriptions/:id/deliveries/:delivery_id/retry",
  access: "admin",
  id: "retryDelivery",
  tag,
  summary: "Send a delivery again, at once",
  body: { schema: NoBody, optional: true },
  answers: { 202: { description: "It is being sent, and tried for 24 hours.", schema: Delivery } },
  errors: ["not_found"],
  async handle({ env, params }) {
    const found = await findSubscription(env, params.id);
    const again = found.ok ? await found.value.retry(params.delivery_id) : found;
    return again.ok ? reply(202, again.value) : again;
  },
});

const test = route({
  method: "post",
  path: "/v1/subscriptions/:id/test",
  access: "admin",
  id: "testSubscription",
  tag,
  summary: "Send an example to every target now",
  description: "It works while the subscription is disabled. It is tried once.",
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The result for each target.", schema: TestReport } },
  errors: ["not_found"],
  async handle({ env, params }) {
    const found = await findSubscription(env, params.id);
    const report = found.ok ? await found.value.sendExample() : found;
    return report.ok ? reply(200, report.value) : report;
  },
});

export const subscriptionRoutes = [list, put, get, remove, deliveries, retry, test] as const;
