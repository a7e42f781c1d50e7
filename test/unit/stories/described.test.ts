/** The check of every answer against /openapi.json can fail. Each test shows one way to differ from a small document. */
import { expect, it } from "vitest";
import { describedBy, type Exchange } from "../../described.ts";

const json = (schema: object) => ({ content: { "application/json": { schema } } });
const undescribed = describedBy({
  paths: {
    "/things/{id}": {
      put: {
        requestBody: json({ type: "object", properties: { size: { type: "integer" } }, additionalProperties: false }),
        responses: { 200: json({ $ref: "#/components/schemas/Thing" }), 204: {} },
      },
    },
    "/things/all": { get: { responses: { 200: json({ type: "array" }) } } },
  },
  components: { schemas: { Thing: { type: "object", required: ["id"], properties: { id: { type: "string" } } } } },
});
const good: Exchange = {
  method: "PUT",
  path: "/things/7?now=1",
  sent: { size: 1 },
  status: 200,
  contentType: "application/json; charset=utf-8",
  text: '{"id": "7"}',
};

it.each<[string, Partial<Exchange>]>([
  ["as described", {}],
  ["another described status", { status: 204, contentType: null, text: "" }],
  ["at a path of its own before one with a parameter", { method: "GET", path: "/things/all", text: "[]" }],
  ["a path that is not there", { path: "/others", status: 404, text: "" }],
  ["a method that is not there, refused", { method: "DELETE", status: 405, text: "" }],
])("accepts what is %s", (_what, change) => {
  expect(undescribed({ ...good, ...change })).toEqual([]);
});

it.each<[string, Partial<Exchange>]>([
  ["an unknown status", { status: 201 }],
  ["another content type", { contentType: "text/plain" }],
  ["no content type", { contentType: null }],
  ["a body where none is described", { status: 204 }],
  ["a missing field", { text: "{}" }],
  ["a field of another type", { text: '{"id": 7}' }],
  ["a body that was taken, but for an unknown field", { sent: { size: 1, colour: "red" } }],
  ["a method that is not there, answered", { method: "DELETE" }],
])("finds %s", (_what, change) => {
  expect(undescribed({ ...good, ...change })).not.toEqual([]);
});
