/** A jobs.json that is too long for one call of the import route is sent in parts, and reported as one file. */
import { expect, it } from "vitest";
import { importInParts, type Report } from "../../../local/legacy-parts.ts";
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { NOT_STORED } from "../../../src/domain/transfer/imported-job.ts";

type Item = { readonly id?: string; readonly user_id?: number | string };
type Answer = (items: readonly Item[], part: number) => Result<Report, string>;

/** Imports `file` through a route with these answers. `parts` are the ids of each sent body. */
async function importing(file: string, answer: Answer) {
  const parts: (string | undefined)[][] = [];
  let pauses = 0;
  const report = await importInParts(new TextEncoder().encode(file), {
    send: async (body) => {
      const items: Item[] = JSON.parse(String(body));
      parts.push(items.map(({ id }) => id));
      return answer(items, parts.length);
    },
    pause: async () => {
      pauses++;
    },
  });
  return { report, parts, pauses };
}

const jobs = (count: number): Item[] => Array.from({ length: count }, (_, i) => ({ id: `job${i + 1}` }));
const takeAll: Answer = (items) => ok({ imported: items.length, skipped: [] });

it("is sent in parts of 500, in the file's order, and the report is the sum", async () => {
  const { report, parts } = await importing(JSON.stringify(jobs(1_201)), takeAll);
  expect(parts.map((ids) => [ids.length, ids[0]])).toEqual([
    [500, "job1"],
    [500, "job501"],
    [201, "job1001"],
  ]);
  expect(report).toEqual(ok({ imported: 1_201, skipped: [] }));
});

it("is sent in smaller parts that fit a body, if jobs are long", async () => {
  const long = jobs(100).map((job) => ({ ...job, message: "x".repeat(200_000) }));
  const { report, parts } = await importing(JSON.stringify({ jobs: long }), takeAll);
  expect(parts.map((ids) => ids.length)).toEqual([52, 48]);
  expect(report).toMatchObject({ value: { imported: 100 } });
});

it("names a job without an id by its place in the file, in any part", async () => {
  const file = [...jobs(502), {}, {}];
  const { report } = await importing(JSON.stringify(file), (items, part) =>
    ok({
      imported: items.filter(({ id }) => id !== undefined).length,
      skipped: part === 1 ? [] : [3, 4].map((no) => ({ id: `#${no}`, reason: "id: is required" })),
    }),
  );
  expect(report).toMatchObject({ value: { imported: 502, skipped: [{ id: "#503" }, { id: "#504" }] } });
});

it("keeps a 64-bit user_id to the digit", async () => {
  let sent: unknown;
  await importing('[{"id": "a", "user_id": 9223372036854775807}]', (items) => {
    sent = items[0]?.user_id;
    return ok({ imported: 1, skipped: [] });
  });
  expect(sent).toBe("9223372036854775807");
});

it("sends jobs that could not be stored again, alone and after a pause, and counts each once", async () => {
  const { report, parts, pauses } = await importing(JSON.stringify(jobs(3)), (items, part) =>
    part === 1
      ? ok({ imported: 1, skipped: items.slice(1).map(({ id = "" }) => ({ id, reason: NOT_STORED })) })
      : takeAll(items, part),
  );
  expect(parts).toEqual([
    ["job1", "job2", "job3"],
    ["job2", "job3"],
  ]);
  expect(pauses).toBe(1);
  expect(report).toEqual(ok({ imported: 3, skipped: [] }));
});

it("is an error if nothing can be stored for long, so that the file does not count as imported", async () => {
  const { report, parts } = await importing(JSON.stringify(jobs(600)), (items, part) =>
    part === 1
      ? takeAll(items, part)
      : ok({ imported: 0, skipped: items.map(({ id = "" }) => ({ id, reason: NOT_STORED })) }),
  );
  expect(report).toEqual(
    err(
      "100 jobs could not be stored; raise the limit of open files (ulimit -Hn) (500 jobs were imported before that)",
    ),
  );
  expect(parts).toHaveLength(5);
});

it("stops at a refused part", async () => {
  const { report, parts } = await importing(JSON.stringify(jobs(1_500)), (items, part) =>
    part === 2 ? err("401 Send the header") : takeAll(items, part),
  );
  expect(report).toEqual(err("401 Send the header (500 jobs were imported before that)"));
  expect(parts).toHaveLength(2);
});

it.each([["{ half a file"], ['{"jobs": [], "more": 1}'], ["{}"], ['{"id": "a"}\n{"id": "b"}'], [""], ["null"]])(
  "sends %j unchanged, so that the route explains the fault",
  async (file) => {
    const sent: unknown[] = [];
    await importInParts(new TextEncoder().encode(file), {
      send: async (body) => {
        sent.push(new TextDecoder().decode(typeof body === "string" ? new Uint8Array() : body));
        return ok({ imported: 0, skipped: [] });
      },
      pause: async () => {},
    });
    expect(sent).toEqual([file]);
  },
);
