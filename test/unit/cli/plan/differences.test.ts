import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differences, isEqual, patchOf } from "../../../../src/cli/plan/differences.ts";

const existing = {
  id: "j1",
  name: "a",
  message: "one",
  enabled: false,
  schedule: { cron: "0 9 * * *", timezone: "Asia/Tokyo" },
  labels: { team: "ops", "a.b": "1" },
  payload: { deep: { list: [1, 2] } },
  next_run_at: "2027-01-01T00:00:00.000Z",
};

describe("differences", () => {
  it.each([
    ["none where the file says the same", {}, {}, []],
    ["a field", { message: "two" }, {}, [{ field: "message", before: "one", after: "two" }]],
    ["a field that is gone", { message: undefined }, {}, [{ field: "message", before: "one", after: undefined }]],
    [
      "a part of the schedule",
      { schedule: { cron: "0 8 * * *", timezone: "Asia/Tokyo" } },
      {},
      [{ field: "schedule.cron", before: "0 9 * * *", after: "0 8 * * *" }],
    ],
    [
      "a payload as a whole",
      { payload: { deep: {} } },
      {},
      [{ field: "payload", before: existing.payload, after: { deep: {} } }],
    ],
    ["not whether it is paused, unless the file says so", { enabled: true }, {}, []],
    [
      "whether it is paused, where the file says so",
      { enabled: true },
      { enabled: true },
      [{ field: "enabled", before: false, after: true }],
    ],
  ])("are %s", (_, wanted, written, found) => {
    expect(differences(existing, { ...existing, ...wanted }, written)).toEqual(found);
  });

  it("are a merge patch that turns one job into the other", () => {
    const wanted = { ...existing, message: undefined, schedule: { every: "1h" }, labels: { "a.b": "2" } };
    expect(patchOf(differences(existing, wanted, {}))).toEqual({
      message: null,
      schedule: { cron: null, timezone: null, every: "1h" },
      labels: { team: null, "a.b": "2" },
    });
  });
});

it("JSON is equal in any order of its fields", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy: unknown = JSON.parse(JSON.stringify(value), (_, inner) =>
        typeof inner === "object" && inner !== null && !Array.isArray(inner)
          ? Object.fromEntries(Object.entries(inner).reverse())
          : inner,
      );
      expect(isEqual(JSON.parse(JSON.stringify(value)), copy)).toBe(true);
    }),
  );
});
