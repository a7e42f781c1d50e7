/** Light, dark, or as the system has it. */
import { signal } from "@preact/signals";

const KEY = "reveille.theme";
const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const stored = localStorage.getItem(KEY);

/** The viewer's choice, remembered on this machine. */
export const theme = signal<Theme>(THEMES.find((known) => known === stored) ?? "system");

/** Moves to the next choice. */
export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
}

theme.subscribe((chosen) => {
  if (chosen === "system") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, chosen);
    document.documentElement.dataset.theme = chosen;
  }
});
