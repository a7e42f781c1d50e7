/** The few drawings used in buttons, always beside or within words. */
const PATHS = {
  run: "M5 3.500v9l7.500-4.500z",
  pause: "M5 3.500v9M11 3.500v9",
  resume: "M3.500 3.500v9M7 3.500v9l6-4.500z",
  plus: "M8 3v10M3 8h10",
  copy: "M6 6h7v7H6zM3 10V3h7",
  close: "M4 4l8 8M12 4l-8 8",
  search: "M7 11.500a4.500 4.500 0 1 1 0-9 4.500 4.500 0 0 1 0 9zM10.500 10.500L14 14",
  theme: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  keys: "M2 4h12v8H2zM4.500 6.500h.1M8 6.500h.1M11.500 6.500h.1M5 9.500h6",
  back: "M10 3L5 8l5 5",
  refresh: "M13 8a5 5 0 1 1-1.500-3.500M13 2.500v3h-3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  const solid = name === "run";
  return (
    <svg class={solid ? "icon icon-solid" : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The rising sun over its line. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 28 20" aria-hidden="true">
      <path class="mark-sun" d="M6 15a8 8 0 0 1 16 0z" />
      <path class="mark-rays" d="M14 1v3.500M4.800 5l2.400 2.400M23.200 5l-2.400 2.400" />
      <path class="mark-line" d="M1 17.500h26" />
    </svg>
  );
}
