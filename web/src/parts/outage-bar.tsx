/** The bar over every page while Reveille does not answer. It tries again by itself, and shows since when. */
import { send } from "../api/client.ts";
import { useEverySeen } from "../clock.ts";
import { silentSince } from "../connection.ts";
import { timeOfDay } from "../time/format.ts";

const TRY_AGAIN_MS = 5_000;

export function OutageBar() {
  return silentSince.value === undefined ? null : <Outage since={silentSince.value} />;
}

function Outage({ since }: { readonly since: number }) {
  useEverySeen(TRY_AGAIN_MS, () => void send("GET", "/healthz"));
  return (
    <p class="outage" role="alert">
      Reveille has not answered since {timeOfDay(since)}. What you see may be out of date. Trying again…
    </p>
  );
}
