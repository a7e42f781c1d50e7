/** Events as commands show them. */
import * as z from "zod";
import { paint } from "./render.ts";
import type { Terminal } from "./terminal.ts";

export const Event = z.looseObject({
  id: z.string(),
  type: z.string(),
  at: z.string(),
  message: z.string(),
  job_name: z.string().optional(),
});
export type Event = z.infer<typeof Event>;
export const EventPage = z.looseObject({ items: z.array(Event), next_cursor: z.string().optional() });

export const paintType = (terminal: Terminal, type: string): string =>
  paint(
    terminal,
    /recovered|succeeded/.test(type) ? "green" : /skipped|paused|budget/.test(type) ? "yellow" : "red",
    type,
  );
