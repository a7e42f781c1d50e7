/** The place of each test: it has the path of its source, so that one is found from the other. Stories stand apart. */
import { expect, it } from "vitest";
import { filesBelow } from "./sources.ts";

const SOURCE_FOLDERS = ["src/", "", "web/src/"];
const sources = new Set(["src", "durable-objects", "web", "local", "scripts"].flatMap(filesBelow));

/** The paths below `test/<kind>` of the tests that have a source. */
const mirrored = ["unit", "worker", "system"].flatMap((kind) =>
  filesBelow(`test/${kind}`)
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => file.slice(`test/${kind}/`.length))
    .filter((path) => !path.startsWith("stories/"))
    .map((path) => ({ test: `test/${kind}/${path}`, path: path.replace(/\.test\.ts$/, "") })),
);

/** The name of a source may have one aspect of it behind: `tick-model` is a test of `tick`. */
function hasSource(path: string): boolean {
  const below = path.replace(/^web\//, "");
  const named = SOURCE_FOLDERS.flatMap((folder) => [folder + path, folder + below]);
  if (named.some((name) => sources.has(`${name}.ts`) || sources.has(`${name}.tsx`))) return true;
  const shorter = path.replace(/-[^-/]+$/, "");
  return shorter !== path && hasSource(shorter);
}

it("a test has the path of its source, or stands among the stories", () => {
  expect(mirrored.length).toBeGreaterThan(100);
  expect(mirrored.filter(({ path }) => !hasSource(path)).map(({ test }) => test)).toEqual([]);
});
