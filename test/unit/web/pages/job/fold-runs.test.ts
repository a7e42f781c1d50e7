import { expect, it } from "vitest";
import type { Run } from "../../../../../src/schema/run.ts";
import { foldUnchanged } from "../../../../../web/src/pages/job/fold-runs.ts";

const run = (id: string, unchanged = false): Run => ({
  id,
  job_id: "j",
  session_id: "s",
  status: "success",
  trigger: "schedule",
  scheduled_at: "2026-11-28T09:00:00.000Z",
  started_at: "2026-11-28T09:00:00.000Z",
  attempt: 1,
  ...(unchanged ? { unchanged } : {}),
});
const shown = (runs: readonly Run[], unfolded: readonly string[] = [], selected?: string) =>
  foldUnchanged(runs, new Set(unfolded), selected).map((row) =>
    "folded" in row ? row.folded.map(({ id }) => id) : row.id,
  );
const LOG = [run("7", true), run("6", true), run("5"), run("4", true), run("3"), run("2", true), run("1", true)];

it("folds runs in a row that found nothing new, but not a single one", () => {
  expect(shown(LOG)).toEqual([["7", "6"], "5", "4", "3", ["2", "1"]]);
});

it("keeps a fold open as newer runs come to it, and shows the selected run", () => {
  expect(shown([run("8", true), ...LOG], ["6"])).toEqual(["8", "7", "6", "5", "4", "3", ["2", "1"]]);
  expect(shown(LOG, [], "2")).toEqual([["7", "6"], "5", "4", "3", "2", "1"]);
});
