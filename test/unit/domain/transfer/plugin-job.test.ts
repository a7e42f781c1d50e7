import { expect, it } from "vitest";
import { decodePluginJob, isPluginJob } from "../../../../src/domain/transfer/plugin-job.ts";

const message = (envelope: unknown): string => `__anna_plugin_job__:${JSON.stringify(envelope)}`;

it.each<[string, unknown, unknown]>([
  [
    "all of an envelope",
    { plugin_id: "rss", key: "poll", runtime_name: "feeds", payload: { url: "x" }, description: "Polls" },
    { plugin_id: "rss", job_key: "poll", runtime_name: "feeds", payload: { url: "x" }, description: "Polls" },
  ],
  [
    "one with nothing but plugin and key",
    { plugin_id: "rss", key: "poll" },
    { plugin_id: "rss", job_key: "poll", runtime_name: "", payload: {}, description: "" },
  ],
  [
    "fields that Go leaves empty",
    { plugin_id: "rss", key: "poll", runtime_name: null, payload: null, description: null, more: 1 },
    { plugin_id: "rss", job_key: "poll", runtime_name: "", payload: {}, description: "" },
  ],
])("decodePluginJob reads %s", (_what, envelope, job) => {
  expect(decodePluginJob({ message: message(envelope) })).toEqual(job);
});

it.each([
  ["no message", undefined],
  ["a message of another kind", "Water the plants"],
  ["half an envelope", "__anna_plugin_job__:{"],
  ["no plugin", message({ key: "poll" })],
  ["an empty key", message({ plugin_id: "rss", key: "" })],
  ["a list", message([])],
  ["a payload that is no object", message({ plugin_id: "rss", key: "poll", payload: [1] })],
])("decodePluginJob finds nothing in %s", (_what, text) => {
  expect(decodePluginJob({ message: text })).toBeUndefined();
});

it("isPluginJob looks only at the owner", () => {
  expect(isPluginJob({ owner_kind: "plugin" })).toBe(true);
  expect(isPluginJob({ owner_kind: "user" })).toBe(false);
  expect(isPluginJob({})).toBe(false);
});
