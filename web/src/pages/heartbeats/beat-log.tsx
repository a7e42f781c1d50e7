/** The decisions of the heartbeat, beat by beat, and their reasons. */
import type { Beat } from "../../api/heartbeats.ts";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import type { Pages } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { At } from "../../parts/times.tsx";

export function BeatLog({ beats }: { readonly beats: Pages<Beat> }) {
  return (
    <section class="runs" aria-labelledby="beats-title">
      <h2 id="beats-title">Beats</h2>
      <ProblemBox problem={beats.problem} onRetry={beats.reload} />
      {beats.items.length === 0 ? (
        <p class="none">{beats.loading ? "Loading…" : "It has not beaten yet. Write its document, then beat now."}</p>
      ) : null}
      <ol class="beats" aria-label="Beats, newest first">
        {beats.items.map((beat) => (
          <li key={beat.id} class="beat">
            <div class="beat-head">
              <StatusText status={beat.outcome ?? "running"} />
              <At instant={beat.started_at} />
              <span class="numbers">{factsOf(beat).join(" · ")}</span>
            </div>
            <Why beat={beat} />
            {beat.answer === undefined ? null : (
              <TextBlock label="Answer" text={`${beat.answer}${beat.answer_truncated ? "…" : ""}`} />
            )}
            {beat.error === undefined ? null : <p class="problem">{beat.error}</p>}
            <Notified beat={beat} />
          </li>
        ))}
      </ol>
      <MoreButton pages={beats}>Show older beats</MoreButton>
    </section>
  );
}

function factsOf(beat: Beat): string[] {
  const tokens = [beat.tokens?.decision, beat.tokens?.main].reduce(
    (sum, usage) => sum + (usage?.input ?? 0) + (usage?.output ?? 0),
    0,
  );
  return [
    ...(beat.trigger === "manual" ? ["by hand"] : []),
    ...(beat.duration === undefined ? [] : [`took ${beat.duration}`]),
    ...(beat.attempt > 1 ? [`attempt ${beat.attempt}`] : []),
    ...(beat.count === undefined || beat.count < 2 ? [] : [`${beat.count} alike`]),
    ...(beat.missed === undefined ? [] : [`${beat.missed} missed before it`]),
    ...(tokens === 0 ? [] : [`${tokens.toLocaleString("en")} tokens`]),
  ];
}

function Why({ beat }: { readonly beat: Beat }) {
  if (beat.decision !== undefined) {
    return (
      <p class="why">
        Decided to <strong>{beat.decision.action}</strong>:{" "}
        {beat.decision.reason === "" ? "no reason given" : beat.decision.reason}
      </p>
    );
  }
  if (beat.decision_text !== undefined) return <p class="why">The fast model wrote: {beat.decision_text}</p>;
  if (beat.reason !== undefined) return <p class="why">{beat.reason}</p>;
  return beat.outcome === "empty" ? <p class="why">The document is empty, so no model was asked.</p> : null;
}

function Notified({ beat }: { readonly beat: Beat }) {
  const notified = beat.notified ?? [];
  if (notified.length === 0) return null;
  return (
    <ul class="chips">
      {notified.map(({ type, ok, error }, index) => (
        // Notifiers have no names, and their order does not change.
        <li key={`${index}-${type}`} class={ok ? "chip" : "chip is-error"}>
          {ok ? `sent by ${type}` : `${type}: ${error ?? "failed"}`}
        </li>
      ))}
    </ul>
  );
}
