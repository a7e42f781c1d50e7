/** Times in the page. The title always has the full time. */
import { now } from "../clock.ts";
import { ago, countdown, dayAndTime, fullTime, msOf, timeOfDay, VIEWER_ZONE, zoneName } from "../time/format.ts";

/** `Mon 23 Nov 09:00` in the viewer's zone. */
export function At({ instant }: { readonly instant: string }) {
  const at = msOf(instant);
  return (
    <time dateTime={instant} title={fullTime(at)}>
      {dayAndTime(at, now.peek())}
    </time>
  );
}

/** `4 min ago`. */
export function Ago({ instant }: { readonly instant: string }) {
  const at = msOf(instant);
  return (
    <time dateTime={instant} title={fullTime(at)}>
      {ago(now.value - at)}
    </time>
  );
}

/** Counts down to an instant. It is not a live region, since a screen reader would read it every second. */
export function Countdown({ instant }: { readonly instant: string }) {
  const left = msOf(instant) - now.value;
  return <span class="countdown">{left <= 0 ? "due now" : countdown(left)}</span>;
}

/** The pause of a job, in place of its next fire. It shows when the pause ends, if it does. */
export function Paused({
  until,
  reason,
}: {
  readonly until: string | undefined;
  readonly reason?: string | undefined;
}) {
  return (
    <>
      Paused
      {until === undefined ? null : (
        <>
          {" until "}
          <At instant={until} />
        </>
      )}
      {reason === undefined ? null : `: ${reason}`}
    </>
  );
}

/** The next fire: a countdown, the time in the viewer's zone, and in the job's zone if that differs. */
export function NextFire({ instant, zone }: { readonly instant: string; readonly zone: string | undefined }) {
  const at = msOf(instant);
  const here = dayAndTime(at, now.peek());
  const there = zone === undefined || zone === VIEWER_ZONE ? here : dayAndTime(at, now.peek(), zone);
  return (
    <span class="next-fire">
      <Countdown instant={instant} />
      <time dateTime={instant} title={fullTime(at)}>
        {here}
        {zone === undefined || there === here ? null : (
          <span class="there" title={fullTime(at, zone)}>
            {timeOfDay(at, zone)} {zoneName(zone)}
          </span>
        )}
      </time>
    </span>
  );
}
