import { dismiss, notices } from "../announce.ts";
import { Icon } from "./icon.tsx";

/** The notices of the latest news. The region is always there, so that screen readers notice what appears in it. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, tone, text, hint }) => (
        <div key={id} class={`notice is-${tone}`}>
          <div>
            <p>{text}</p>
            {hint === undefined ? null : <p class="hint">{hint}</p>}
          </div>
          <button type="button" class="button quiet icon-only" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
