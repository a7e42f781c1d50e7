/** A plan in the form for people, and for programs. */
import { compact } from "../../domain/compact.ts";
import { paint } from "../render.ts";
import type { Terminal } from "../terminal.ts";
import type { Plan, Step } from "./plan.ts";

/** The changes to make. Deletions are included only on request. */
export const changesOf = ({ steps }: Plan, prune: boolean): readonly Step[] =>
  steps.filter(({ kind }) => kind === "create" || kind === "change" || (kind === "delete" && prune));

/** The plan as text: a block for each job that would change, and a line with the totals. */
export function planText(terminal: Terminal, plan: Plan, prune: boolean): string {
  const lines = plan.steps.flatMap((step) => stepLines(terminal, plan, step, prune));
  return [...lines, ...(lines.length === 0 ? [] : [""]), totals(plan, prune)].join("\n");
}

function stepLines(terminal: Terminal, { namespace }: Plan, step: Step, prune: boolean): string[] {
  const name = `${namespace}/${step.key}`;
  switch (step.kind) {
    case "create":
      return [paint(terminal, "green", `+ ${name}  create`), `    fires  ${firesText(step.next)}`];
    case "change":
      return [
        paint(terminal, "yellow", `~ ${name}  change (${step.id})`),
        ...step.changes.map(({ field, before, after }) => `    ${field}: ${valueText(before)} -> ${valueText(after)}`),
        `    fires before  ${firesText(step.before)}`,
        `    fires after   ${firesText(step.after)}`,
      ];
    case "delete":
      return prune
        ? [paint(terminal, "red", `- ${name}  delete (${step.id})`)]
        : [paint(terminal, "gray", `  ${name}  left: not in the file (${step.id}); --prune deletes it`)];
    case "keep":
      return [paint(terminal, "gray", `  ${name}  left: ${step.why}`)];
  }
}

const firesText = (fires: readonly string[]): string => (fires.length === 0 ? "never by itself" : fires.join("  "));

const MAX_VALUE_CHARS = 200;

function valueText(value: unknown): string {
  if (value === undefined) return "(none)";
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
}

function totals({ steps }: Plan, prune: boolean): string {
  const count = (kind: Step["kind"]): number => steps.filter((step) => step.kind === kind).length;
  const left = count("keep") + (prune ? 0 : count("delete"));
  return `${count("create")} to create, ${count("change")} to change, ${prune ? count("delete") : 0} to delete, ${left} left.`;
}

/** The plan for programs. */
export function planJson(plan: Plan, prune: boolean): object {
  return {
    namespace: plan.namespace,
    changes: changesOf(plan, prune).length,
    steps: plan.steps.map((step) => stepJson(step, prune)),
    ...(plan.warnings.length === 0 ? {} : { warnings: plan.warnings }),
  };
}

function stepJson(step: Step, prune: boolean): object {
  switch (step.kind) {
    case "create":
      return { action: "create", key: step.key, next: step.next };
    case "change": {
      const changes = step.changes.map(({ field, before, after }) => ({
        field,
        before: before ?? null,
        after: after ?? null,
      }));
      return {
        action: "change",
        key: step.key,
        id: step.id,
        changes,
        next: { before: step.before, after: step.after },
      };
    }
    case "delete":
      return { action: prune ? "delete" : "leave", key: step.key, id: step.id, why: "not in the file" };
    case "keep":
      return { action: "leave", key: step.key, ...compact({ id: step.id }), why: step.why };
  }
}
