/** The subscriptions, with a test button and the last messages of each. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";
import {
  type Delivery,
  deleteSubscription,
  listDeliveries,
  listSubscriptions,
  retryDelivery,
  type Subscription,
  type Target,
  testSubscription,
} from "../../api/subscriptions.ts";
import { useEverySeen } from "../../clock.ts";
import { Action } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { curl, Empty } from "../../parts/empty.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { SecretDialog } from "../../parts/secret-dialog.tsx";
import { StatusText } from "../../parts/status.tsx";
import { isOperator } from "../../session.ts";
import { NewSubscription } from "./new-subscription.tsx";

const REFRESH_MS = 10_000;

export function SubscriptionsPage() {
  const list = useResource("subscriptions", listSubscriptions);
  useEverySeen(REFRESH_MS, list.reload);
  const [made, setMade] = useState<string>();
  const [removing, setRemoving] = useState<Subscription>();
  const subscriptions = list.value?.items ?? [];
  return (
    <>
      <h1>Subscriptions</h1>
      <p class="lead">
        A subscription tells a webhook, Slack, Discord or Telegram when a job fails, recovers or pauses.
      </p>
      <ProblemBox problem={list.problem} onRetry={list.reload} />
      {subscriptions.map((one) => (
        <SubscriptionCard key={one.id} subscription={one} onRemove={() => setRemoving(one)} />
      ))}
      {list.value !== undefined && subscriptions.length === 0 ? (
        <Empty
          title="No subscriptions yet"
          command={curl("PUT", "/v1/subscriptions/ops", {
            events: ["run.failed", "run.recovered"],
            to: [{ type: "webhook", url: "https://hooks.example.com/reveille" }],
            after: 3,
          })}
        >
          <p>Create the first subscription: here, or from a shell.</p>
        </Empty>
      ) : null}
      {isOperator.value ? (
        <NewSubscription
          onSaved={(subscription) => {
            setMade(secretOf(subscription));
            list.reload();
          }}
        />
      ) : null}
      {made === undefined ? null : (
        <SecretDialog title="The secret of the webhook" what="Secret" secret={made} onClose={() => setMade(undefined)}>
          It signs the messages to the webhook. It is shown only now.
        </SecretDialog>
      )}
      {removing === undefined ? null : (
        <Confirm
          title="Remove this subscription?"
          confirm="Remove subscription"
          act={() => deleteSubscription(removing.id)}
          done={`${removing.id} was removed`}
          onDone={list.reload}
          onClose={() => setRemoving(undefined)}
        >
          <p>
            <strong>{removing.id}</strong> sends nothing more, and its messages that still wait are dropped.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** A webhook's secret, which the answer contains only if it was just generated. */
function secretOf({ to }: Subscription): string | undefined {
  return to.map(({ secret }) => secret).find((secret) => typeof secret === "string" && secret.startsWith("whsec_")) as
    | string
    | undefined;
}

function SubscriptionCard({
  subscription,
  onRemove,
}: {
  readonly subscription: Subscription;
  readonly onRemove: () => void;
}) {
  const { id, events, to, after = 1, cooldown, enabled = true } = subscription;
  const deliveries = useResource(`deliveries ${id}`, (signal) => listDeliveries(id, signal));
  useEverySeen(REFRESH_MS, deliveries.reload);
  const test = async () => {
    const answer = await testSubscription(id);
    if (answer.ok) {
      const failed = answer.value.results.filter(({ ok }) => !ok);
      announce(
        failed.length === 0
          ? `The example reached ${inTargets(to.length)}`
          : `Not reached: ${failed.map(({ error, status }) => error ?? status).join("; ")}`,
      );
    }
    return answer;
  };
  return (
    <section class="card" aria-label={`Subscription ${id}`}>
      <div class="section-head">
        <h2>
          {id} {enabled ? null : <small class="chip">off</small>}
        </h2>
        {isOperator.value ? (
          <span class="row-actions">
            <Action act={test} label={`Send an example to ${id}`}>
              Test
            </Action>
            <button type="button" class="button quiet" aria-label={`Remove ${id}`} onClick={onRemove}>
              Remove
            </button>
          </span>
        ) : null}
      </div>
      <p>
        <strong>{events.join(", ")}</strong> to {to.map(nameOf).join(", ")}
        {after > 1 ? `, from ${after} failures in a row on` : ""}
        {cooldown === undefined || cooldown === "0s" ? "" : `, at most once every ${cooldown} for a job`}
      </p>
      <Deliveries id={id} deliveries={deliveries.value?.items ?? []} onChange={deliveries.reload} />
    </section>
  );
}

const inTargets = (count: number): string => (count === 1 ? "the target" : `all ${count} targets`);
const nameOf = ({ type, url, chat_id: chat }: Target): string => [type, url ?? chat].filter(Boolean).join(" ");

const MARKS = { delivered: "success", retrying: "running", failed: "error", held: "paused" } as const;

type DeliveriesProps = {
  readonly id: string;
  readonly deliveries: readonly Delivery[];
  readonly onChange: () => void;
};

function Deliveries({ id, deliveries, onChange }: DeliveriesProps) {
  if (deliveries.length === 0) return <p class="none">No message yet</p>;
  return (
    <table class="plain-table" aria-label={`Messages of ${id}`}>
      <tbody>
        {deliveries.slice(0, 10).map((one) => (
          <tr key={one.id}>
            <td>
              <StatusText status={MARKS[one.status]}>{one.status}</StatusText>
            </td>
            <td>
              <code>{one.event_id}</code>
            </td>
            <td>
              {one.attempts === 1 ? "1 attempt" : `${one.attempts} attempts`}
              {one.error === undefined ? "" : `: ${one.error}`}
            </td>
            <td class="row-actions">
              {isOperator.value && one.status !== "delivered" ? (
                <Action tone="quiet" act={() => retryDelivery(id, one.id)} onDone={onChange}>
                  Send again
                </Action>
              ) : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
