/** One heartbeat: its document, its configuration, and the log of its decisions. */
import { useState } from "preact/hooks";
import { beatNow, deleteHeartbeat, getHeartbeat, type Heartbeat, listBeats } from "../../api/heartbeats.ts";
import { Action } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { useLookAgain } from "../../parts/look-again.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages, useResource } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { Countdown } from "../../parts/times.tsx";
import { go, link } from "../../route.ts";
import { isOperator } from "../../session.ts";
import { BeatLog } from "./beat-log.tsx";
import { ConfigForm } from "./config-form.tsx";
import { DocumentEditor } from "./document-editor.tsx";

const LIVE_MS = 1_500;
const IDLE_MS = 10_000;

export function HeartbeatPage({ name }: { readonly name: string }) {
  const heartbeat = useResource<Heartbeat>(name, (signal) => getHeartbeat(name, signal));
  const beats = usePages(name, (cursor, signal) => listBeats(name, cursor, signal));
  const isBeating = beats.items.some(({ status }) => status === "running");
  const [expected, setExpected] = useState(0);
  const { reload: reloadBeats } = beats;
  const isExpecting = beats.items.length < expected;
  useLookAgain(isBeating || isExpecting ? LIVE_MS : IDLE_MS, reloadBeats);
  const { value, problem, reload } = heartbeat;
  if (value === undefined)
    return problem === undefined ? <p class="loading">Loading…</p> : <ProblemBox problem={problem} onRetry={reload} />;
  return (
    <>
      <a class="back" href={link("heartbeats")}>
        <Icon name="back" /> Heartbeats
      </a>
      <div class="page-head">
        <h1>{name}</h1>
        {isOperator.value ? (
          <Actions
            name={name}
            onBeat={() => {
              setExpected(beats.items.length + 1);
              reloadBeats();
            }}
          />
        ) : null}
      </div>
      <p class="job-facts">
        <StatusText status={value.enabled ? "active" : "paused"}>{value.enabled ? "enabled" : "disabled"}</StatusText>
        <span>every {value.every}</span>
        {value.next_beat_at === undefined ? null : (
          <span>
            <span class="caption">Next beat in</span> <Countdown instant={value.next_beat_at} />
          </span>
        )}
      </p>
      <div class="job-body">
        <BeatLog beats={beats} />
        <div class="job-side">
          <DocumentEditor name={name} />
          <ConfigForm key={value.updated_at} heartbeat={value} onSaved={heartbeat.put} />
        </div>
      </div>
    </>
  );
}

function Actions({ name, onBeat }: { readonly name: string; readonly onBeat: () => void }) {
  const [deleting, setDeleting] = useState(false);
  return (
    <div class="actions">
      <Action icon="run" tone="main" act={() => beatNow(name)} onDone={onBeat} done="The beat was started">
        Beat now
      </Action>
      <button type="button" class="button danger" onClick={() => setDeleting(true)}>
        Delete
      </button>
      {deleting ? (
        <Confirm
          title="Delete this heartbeat?"
          confirm="Delete heartbeat"
          act={() => deleteHeartbeat(name)}
          done={`Heartbeat ${name} was deleted`}
          onDone={() => go(link("heartbeats"))}
          onClose={() => setDeleting(false)}
        >
          <p>
            <strong>{name}</strong> beats no more; its document and its log go with it. This cannot be undone; to stop
            it for a while, disable it.
          </p>
        </Confirm>
      ) : null}
    </div>
  );
}
