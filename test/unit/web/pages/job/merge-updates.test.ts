import { expect, it } from "vitest";
import type { Run } from "../../../../../src/schema/run.ts";
import { mergeUpdates } from "../../../../../web/src/pages/job/merge-updates.ts";

const at = (second: number) => `2026-11-23T09:00:0${second}.000Z`;
const run = (id: string, second: number, status: Run["status"]): Run => ({
  id,
  job_id: "j",
  session_id: "s",
  status,
  trigger: "schedule",
  scheduled_at: at(second),
  started_at: at(second),
  attempt: 1,
});
const shown = (runs: readonly Run[]) => runs.map(({ id, status }) => `${id} ${status}`);

it("puts a run that is known only from an event in its place", () => {
  const listed = [run("c", 3, "success"), run("a", 1, "success")];
  expect(shown(mergeUpdates(listed, [run("d", 4, "running"), run("b", 2, "error")]))).toEqual([
    "d running",
    "c success",
    "b error",
    "a success",
  ]);
});

it("shows the ended view of a run, from the list or from the event", () => {
  expect(shown(mergeUpdates([run("a", 1, "running")], [run("a", 1, "success")]))).toEqual(["a success"]);
  expect(shown(mergeUpdates([run("a", 1, "success")], [run("a", 1, "running")]))).toEqual(["a success"]);
});

it("leaves out what no longer fits the filter", () => {
  const running = ({ status }: Run) => status === "running";
  expect(mergeUpdates([run("a", 1, "running")], [run("a", 1, "success")], running)).toEqual([]);
});
