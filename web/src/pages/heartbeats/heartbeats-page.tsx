/** The list of heartbeats, and a form to create one. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";
import { type Heartbeat, listHeartbeats, putHeartbeat } from "../../api/heartbeats.ts";
import { curl, Empty } from "../../parts/empty.tsx";
import { TextField } from "../../parts/field.tsx";
import { useLookAgain } from "../../parts/look-again.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { required, useSubmission } from "../../parts/submission.ts";
import { Ago, Countdown } from "../../parts/times.tsx";
import { go, link } from "../../route.ts";
import { isOperator } from "../../session.ts";

const LOOK_MS = 10_000;

export function HeartbeatsPage() {
  const list = useResource("heartbeats", listHeartbeats);
  useLookAgain(LOOK_MS, list.reload);
  const items = list.value?.items ?? [];
  return (
    <>
      <h1>Heartbeats</h1>
      <p class="lead">
        An agent that checks in by itself: a cheap model decides whether there is something to do, and only then the
        real one is asked.
      </p>
      <ProblemBox problem={list.problem} onRetry={list.reload} />
      <ul class="cards" aria-label="Heartbeats">
        {items.map((heartbeat) => (
          <HeartbeatCard key={heartbeat.name} heartbeat={heartbeat} />
        ))}
      </ul>
      {list.value !== undefined && items.length === 0 ? (
        <Empty
          title="No heartbeats yet"
          command={curl("PUT", "/v1/heartbeats/main", {
            every: "30m",
            active_hours: { start: "08:00", end: "22:00", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
          })}
        >
          <p>Create one here or from a shell, then write its tasks into its document.</p>
        </Empty>
      ) : null}
      {isOperator.value ? <NewHeartbeat taken={items.map(({ name }) => name)} /> : null}
    </>
  );
}

function HeartbeatCard({ heartbeat }: { readonly heartbeat: Heartbeat }) {
  const { name, enabled, every, next_beat_at, last_beat_at, last_outcome } = heartbeat;
  return (
    <li class="card">
      <a class="card-title" href={link("heartbeats", name)}>
        {name}
      </a>
      <p>
        <StatusText status={enabled ? "active" : "paused"}>{enabled ? "enabled" : "disabled"}</StatusText> every {every}
      </p>
      <p>
        {next_beat_at === undefined ? (
          <span class="none">No beat is coming</span>
        ) : (
          <>
            Next in <Countdown instant={next_beat_at} />
          </>
        )}
      </p>
      <p>
        {last_beat_at === undefined || last_outcome === undefined ? (
          <span class="none">It has not beaten yet</span>
        ) : (
          <>
            <StatusText status={last_outcome} /> <Ago instant={last_beat_at} />
          </>
        )}
      </p>
    </li>
  );
}

function NewHeartbeat({ taken }: { readonly taken: readonly string[] }) {
  const [name, setName] = useState("");
  const [every, setEvery] = useState("30m");
  const nameErrors = taken.includes(name.trim()) ? [{ path: "name", message: "A heartbeat of this name exists." }] : [];
  const { problem, at, submit } = useSubmission({
    check: () => [...nameErrors, ...required("name", name)],
    send: () => putHeartbeat(name.trim(), { every: every.trim() }),
    onSaved: () => {
      announce(`Heartbeat ${name.trim()} was created`);
      go(link("heartbeats", name.trim()));
    },
  });
  return (
    <form class="card inline-form" onSubmit={submit} aria-labelledby="new-heartbeat">
      <h2 id="new-heartbeat">New heartbeat</h2>
      <TextField
        label="Name"
        value={name}
        onInput={setName}
        errors={nameErrors.length > 0 ? nameErrors.map(({ message }) => message) : at("name")}
        input={{ placeholder: "main" }}
      />
      <TextField label="Every" hint="Whole minutes: 30m, 1h." value={every} onInput={setEvery} errors={at("every")} />
      <button type="submit" class="button main">
        Create heartbeat
      </button>
      <ProblemBox problem={problem} />
    </form>
  );
}
