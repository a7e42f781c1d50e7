/** The navigation, the present time, and a few switches. */
import { now } from "../clock.ts";
import { link, route } from "../route.ts";
import { caller, isOperator, signOut } from "../session.ts";
import { nextTheme, theme } from "../theme.ts";
import { timeOfDay, VIEWER_ZONE, zoneName } from "../time/format.ts";
import { Icon, Mark } from "./icon.tsx";

const PLACES = [
  ["overview", "Overview"],
  ["jobs", "Jobs"],
  ["runs", "Runs"],
  ["events", "Events"],
  ["forecast", "Forecast"],
] as const;
const OPERATOR_PLACES = [
  ["heartbeats", "Heartbeats"],
  ["users", "Users"],
  ["agents", "Agents"],
  ["subscriptions", "Subscriptions"],
  ["tokens", "Tokens"],
] as const;

export function TopBar({ onHelp }: { readonly onHelp: () => void }) {
  const current = route.value.path[0] ?? "overview";
  const readsAll = isOperator.value || caller.value?.role === "viewer";
  const places = readsAll
    ? [...PLACES, ...OPERATOR_PLACES.filter(([place]) => isOperator.value || place !== "tokens")]
    : PLACES;
  return (
    <header class="top">
      <a class="brand" href={link("overview")}>
        <Mark /> Reveille
      </a>
      <nav aria-label="Pages">
        {places.map(([place, label]) => (
          <a
            key={place}
            href={link(place)}
            aria-current={current === place || (current === "new" && place === "jobs") ? "page" : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <div class="top-tools">
        <Clock />
        <button
          type="button"
          class="button quiet icon-only"
          aria-label={`Colours: ${theme.value}. Change`}
          title={`Colours: ${theme.value}`}
          onClick={nextTheme}
        >
          <Icon name="theme" />
        </button>
        <button
          type="button"
          class="button quiet icon-only for-keys"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={onHelp}
        >
          <Icon name="keys" />
        </button>
        <button type="button" class="button quiet" onClick={() => signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function Clock() {
  const at = Math.floor(now.value / 60_000) * 60_000;
  return (
    <span class="clock">
      {timeOfDay(at)} <small>{zoneName(VIEWER_ZONE)}</small>
      {VIEWER_ZONE === "UTC" ? null : (
        <>
          {" "}
          {timeOfDay(at, "UTC")} <small>UTC</small>
        </>
      )}
    </span>
  );
}
