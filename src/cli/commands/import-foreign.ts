/**
 * `reveille import crontab|openclaw|codex FILE`: imports jobs of other schedulers, and shows each with its next fires
 * first.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { Given } from "../command.ts";
import { readText } from "../documents.ts";
import { readCodex } from "../import/codex.ts";
import { readCrontab } from "../import/crontab.ts";
import type { Foreign, ForeignJob, ImportOptions, Refusal } from "../import/foreign.ts";
import { readOpenclaw } from "../import/openclaw.ts";
import { JobShape, scheduleText } from "../jobs.ts";
import { json, paint } from "../render.ts";
import { connect, Refused, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";

export type Kind = "crontab" | "openclaw" | "codex";
const READERS: Readonly<Record<Kind, (text: string, options: ImportOptions) => Foreign>> = {
  crontab: readCrontab,
  openclaw: readOpenclaw,
  codex: readCodex,
};
export const isKind = (word: string): word is Kind => Object.hasOwn(READERS, word);

const SHOWN_FIRES = 10;
const Fires = z.looseObject({ next: z.array(z.looseObject({ at: z.string(), local: z.string() })) });

type Ready = ForeignJob & { readonly next: z.infer<typeof Fires>["next"]; id?: string };

/** Shows what `file` would become, and creates it with `--apply`. Returns 1 if something was refused. */
export async function importForeign(kind: Kind, file: string, given: Given, terminal: Terminal): Promise<number> {
  const timezone = given.text("timezone") ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const found = READERS[kind](await readText(file, terminal), { timezone, now: Date.now() });
  const service = await connect(given, terminal);
  const agent = given.text("agent-id");
  const ready: Ready[] = [];
  const refused: Refusal[] = [...found.refused];
  for (const job of found.jobs) {
    const fields = agent === undefined ? job.fields : { ...job.fields, agent_id: agent };
    try {
      ready.push({ ...job, fields, next: await check(service, fields) });
    } catch (error) {
      if (!(error instanceof Refused) || error.status === 401 || error.status >= 500) throw error;
      refused.push({ place: job.place, why: error.message });
    }
  }
  const isApplied = given.flag("apply");
  if (isApplied) {
    const made = new Map<string, number>();
    for (const job of ready) {
      const alike = JSON.stringify(job.fields);
      const earlier = made.get(alike) ?? 0;
      made.set(alike, earlier + 1);
      job.id = await make(service, kind, job, earlier);
    }
  }
  if (given.flag("json")) terminal.print(json({ jobs: ready, refused }));
  else show(ready, refused, isApplied, terminal);
  return refused.length === 0 ? 0 : 1;
}

/** The next fires of a job, if the service would accept it. */
async function check(service: Service, fields: ForeignJob["fields"]): Promise<Ready["next"]> {
  await service.send("POST", "/v1/jobs", { json: fields, query: { dry_run: "true" } });
  const preview = { schedule: fields.schedule, count: SHOWN_FIRES };
  return read(Fires, await service.send("POST", "/v1/schedules/preview", { json: preview })).next;
}

/**
 * Creates the job of a line. Applying it again within a day creates no second one. `earlier` is the number of equal lines
 * before it, which have their own jobs.
 */
async function make(service: Service, kind: Kind, { fields }: ForeignJob, earlier: number): Promise<string> {
  const named = earlier === 0 ? JSON.stringify(fields) : JSON.stringify([fields, earlier]);
  const key = `import-${kind}-${createHash("sha256").update(named).digest("hex").slice(0, 40)}`;
  return read(JobShape, await service.send("POST", "/v1/jobs", { json: fields, headers: { "idempotency-key": key } }))
    .id;
}

const Shown = z.looseObject({ name: z.string(), schedule: z.looseObject({}) });

function show(ready: readonly Ready[], refused: readonly Refusal[], isApplied: boolean, terminal: Terminal): void {
  for (const { place, fields, notes, next, id } of ready) {
    const { name, schedule } = Shown.parse(fields);
    terminal.print(
      `${paint(terminal, "bold", place)}  ${name}  (${scheduleText(schedule)})${id === undefined ? "" : `  -> ${id}`}`,
    );
    for (const note of notes) terminal.print(`    note: ${note}`);
    for (const { at, local } of next) terminal.print(`    ${local}  ${at}`);
    if (next.length === 0) terminal.print("    no fire is to come");
  }
  for (const { place, why } of refused) terminal.warn(`${place}: not carried over: ${why}`);
  const count = `${ready.length} job${ready.length === 1 ? "" : "s"}`;
  const end = refused.length === 0 ? "" : `, ${refused.length} refused`;
  terminal.print(
    isApplied ? `${count} created${end}.` : `${count} can be carried over${end}. Nothing was created; --apply does it.`,
  );
}
