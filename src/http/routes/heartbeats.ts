/**
 * `/v1/heartbeats`: configuration, HEARTBEAT.md, manual beats and the log (docs/contract.md §8). Only the operator may
 * change them.
 */

import * as z from "zod";
import { noteChange } from "../../directory/audit.ts";
import { listHeartbeats } from "../../directory/heartbeats.ts";
import { authorOf } from "../../domain/audit.ts";
import { heartbeatKey } from "../../domain/directory-shard.ts";
import { invalid } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { cursorsOf } from "../../domain/page.ts";
import type { Env } from "../../env.ts";
import { eraseHeartbeat, putHeartbeat } from "../../heartbeat/configure.ts";
import { findHeartbeat, heartbeatObject } from "../../objects/heartbeat.ts";
import { Beat, Heartbeat, HeartbeatInput } from "../../schema/heartbeat.ts";
import { KIB } from "../../schema/limits.ts";
import { IdText } from "../../schema/text.ts";
import { NoBody, pageCursor, pageLimit, pageShape } from "../fields.ts";
import { reply, route } from "../route.ts";

const tag = "Heartbeats";
const MAX_DOCUMENT_BYTES = 64 * KIB;
/** The accepted media types. Many clients send text/plain for any text. */
const DOCUMENT_TYPES = ["text/markdown", "text/plain"];
const cursors = cursorsOf("beats", z.int());

const list = route({
  method: "get",
  path: "/v1/heartbeats",
  access: "admin_read",
  id: "listHeartbeats",
  tag,
  summary: "List the heartbeats, by name",
  answers: { 200: { description: "All heartbeats.", schema: pageShape(Heartbeat) } },
  async handle({ env, caller }) {
    const registered = await listHeartbeats(env);
    const whole = caller.role === "admin";
    const read = await Promise.all(registered.map(({ name }) => heartbeatObject(env, name).read(whole)));
    // A registered heartbeat without an object is being created or erased at this moment.
    return reply(200, { items: read.flatMap((one) => (one.ok ? [one.value] : [])) });
  },
});

const put = route({
  method: "put",
  path: "/v1/heartbeats/:name",
  access: "admin",
  id: "putHeartbeat",
  tag,
  summary: "Create a heartbeat or replace its configuration",
  description:
    "Document and log stay. Neither creating nor editing causes a beat: the first comes at the next multiple of `every`. A masked secret, as GET shows it, keeps the stored one.",
  body: { schema: HeartbeatInput, optional: true },
  answers: {
    200: { description: "The heartbeat existed and was updated.", schema: Heartbeat },
    201: {
      description: "The heartbeat was created.",
      schema: Heartbeat,
      headers: { Location: "The heartbeat's path." },
    },
  },
  async handle({ env, caller, params, body }) {
    const name = IdText.safeParse(params.name);
    if (!name.success) return invalid([{ path: "name", message: "must be 1 to 64 of A-Z, a-z, 0-9, _ and -" }]);
    const configured = await putHeartbeat(env, name.data, body);
    if (!configured.ok) return configured;
    const { heartbeat, created } = configured.value;
    await note(env, caller, created ? "heartbeat.create" : "heartbeat.update", name.data);
    return created ? reply(201, heartbeat, { location: `/v1/heartbeats/${name.data}` }) : reply(200, heartbeat);
  },
});

const get = route({
  method: "get",
  path: "/v1/heartbeats/:name",
  access: "admin_read",
  id: "getHeartbeat",
  tag,
  summary: "Read a heartbeat",
  description:
    "The URLs of Slack and Discord, webhooks' secrets and the bot's token of Telegram are masked; webhooks' URLs are whole to the operator alone.",
  answers: { 200: { description: "The heartbeat.", schema: Heartbeat } },
  errors: ["not_found"],
  async handle({ env, params, caller }) {
    const found = findHeartbeat(env, params.name);
    const heartbeat = found.ok ? await found.value.read(caller.role === "admin") : found;
    return heartbeat.ok ? reply(200, heartbeat.value) : heartbeat;
  },
});

const remove = route({
  method: "delete",
  path: "/v1/heartbeats/:name",
  access: "admin",
  id: "deleteHeartbeat",
  tag,
  summary: "Delete a heartbeat with its document and log",
  description: "A beat in progress is given up.",
  answers: { 204: { description: "The heartbeat is gone." } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const erased = await eraseHeartbeat(env, params.name);
    if (erased.ok) await note(env, caller, "heartbeat.delete", params.name);
    return erased.ok ? reply(204) : erased;
  },
});

const getDocument = route({
  method: "get",
  path: "/v1/heartbeats/:name/document",
  access: "admin_read",
  id: "getHeartbeatDocument",
  tag,
  summary: "Read HEARTBEAT.md",
  answers: { 200: { description: "The document; empty if none was written.", contentType: "text/markdown" } },
  errors: ["not_found"],
  async handle({ env, params }) {
    const found = findHeartbeat(env, params.name);
    const document = found.ok ? await found.value.document() : found;
    if (!document.ok) return document;
    return new Response(document.value, { headers: { "content-type": "text/markdown; charset=utf-8" } });
  },
});

const putDocument = route({
  method: "put",
  path: "/v1/heartbeats/:name/document",
  access: "admin",
  id: "putHeartbeatDocument",
  tag,
  summary: "Write HEARTBEAT.md",
  description:
    "The document says what the models should look after. If it is empty or only blanks, beats end without a model call.",
  body: { schema: z.string(), types: DOCUMENT_TYPES, maxBytes: MAX_DOCUMENT_BYTES, text: true },
  answers: { 204: { description: "The document is kept." } },
  errors: ["not_found"],
  async handle({ env, caller, params, body }) {
    const found = findHeartbeat(env, params.name);
    const written = found.ok ? await found.value.writeDocument(body) : found;
    if (written.ok) await note(env, caller, "heartbeat.update", params.name);
    return written.ok ? reply(204) : written;
  },
});

const beat = route({
  method: "post",
  path: "/v1/heartbeats/:name/beat",
  access: "admin",
  id: "beatNow",
  tag,
  summary: "Beat now",
  description:
    "It ignores the active hours, works while disabled, and does not move the cadence. While a beat is running, the answer is that beat's id, since beats of one heartbeat never overlap.",
  body: { schema: NoBody, optional: true },
  answers: {
    202: { description: "The beat; the log shows it.", schema: z.strictObject({ beat_id: z.string() }) },
  },
  errors: ["not_found"],
  async handle({ env, params }) {
    const found = findHeartbeat(env, params.name);
    const begun = found.ok ? await found.value.beatNow() : found;
    return begun.ok ? reply(202, begun.value) : begun;
  },
});

const beats = route({
  method: "get",
  path: "/v1/heartbeats/:name/beats",
  access: "admin_read",
  id: "listBeats",
  tag,
  summary: "List the beats, newest first",
  description:
    "The newest 200 entries. Scheduled beats in a row with the same end and no model call are one entry, with `count`, `first_at` and `last_at`.",
  query: z.strictObject({ limit: pageLimit(20), cursor: pageCursor }),
  answers: { 200: { description: "A page of the log.", schema: pageShape(Beat) } },
  errors: ["not_found"],
  async handle({ env, params, query }) {
    const before = cursors.after(query.cursor);
    if (!before.ok) return before;
    const found = findHeartbeat(env, params.name);
    const page = found.ok ? await found.value.beats({ limit: query.limit, before: before.value }) : found;
    return page.ok ? reply(200, cursors.shown(page.value)) : page;
  },
});

export const heartbeatRoutes = [list, put, get, remove, getDocument, putDocument, beat, beats] as const;

/** Adds a row to the audit trail. A heartbeat's state is in its own object, and the trail is in the directory. */
const note = (env: Env, caller: Caller, action: string, name: string): Promise<void> =>
  noteChange(env, heartbeatKey(name), { action, target: name, by: authorOf(caller) });
