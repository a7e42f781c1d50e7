import fc from "fast-check";
import { expect, it } from "vitest";
import { parseEvents, type ServerEvent } from "../../../../web/src/api/sse.ts";

it("reads id, event and data, joins lines of data, and ignores comments and half an event", () => {
  const text = ': keep-alive\n\nid: 7\nevent: job\ndata: {"a":1}\n\nevent:run\ndata: one\ndata: two\n\nevent: job\nda';
  expect(parseEvents(text)).toEqual({
    events: [
      { id: "7", type: "job", data: '{"a":1}' },
      { id: undefined, type: "run", data: "one\ntwo" },
    ],
    rest: "event: job\nda",
  });
});

it("reads the same events for any cut of the stream", () => {
  const stream = 'id: 1\nevent: run\ndata: {"x":"ä: b"}\n\n: c\n\nid: 2\nevent: job\ndata: {}\n\n';
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 6 }), (cuts) => {
      const points = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
      const events: ServerEvent[] = [];
      let rest = "";
      for (const [index, from] of points.entries()) {
        const parsed = parseEvents(rest + stream.slice(from, points[index + 1] ?? stream.length));
        events.push(...parsed.events);
        rest = parsed.rest;
      }
      expect(events).toEqual(parseEvents(stream).events);
      expect(rest).toBe("");
    }),
  );
});
