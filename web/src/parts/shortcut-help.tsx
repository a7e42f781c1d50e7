import { Dialog } from "./dialog.tsx";

const SHORTCUTS: readonly (readonly [title: string, keys: readonly (readonly [keys: string, does: string])[]])[] = [
  [
    "Anywhere",
    [
      ["?", "This help"],
      ["n", "New job"],
      ["g o", "Overview"],
      ["g j", "Jobs"],
      ["g r", "Runs"],
      ["g e", "Events"],
      ["g f", "Forecast"],
      ["g h", "Heartbeats"],
      ["g u", "Users"],
      ["g a", "Agents"],
      ["g t", "Tokens"],
    ],
  ],
  [
    "In the list of jobs",
    [
      ["/", "Search"],
      ["j  ↓", "Next job"],
      ["k  ↑", "Previous job"],
      ["Enter", "Open"],
      ["r", "Run now"],
      ["p", "Pause or resume"],
    ],
  ],
  [
    "On a job",
    [
      ["r", "Run now"],
      ["p", "Pause or resume"],
      ["e", "Edit"],
      ["← →", "Earlier and later runs, in the timeline"],
    ],
  ],
];

/** Every shortcut there is. */
export function ShortcutHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div class="shortcuts">
        {SHORTCUTS.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt>
                    {key.split(/ +/).map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
