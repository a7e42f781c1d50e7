/** The part of the text/event-stream format that is used here: the fields `id`, `event` and `data`, and comments. */

export type ServerEvent = { readonly id: string | undefined; readonly type: string; readonly data: string };

/** The whole events at the beginning of `text`, and the rest. An event without data does not count. */
export function parseEvents(text: string): { readonly events: readonly ServerEvent[]; readonly rest: string } {
  const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  return { events: blocks.flatMap(parseEvent), rest };
}

function parseEvent(block: string): ServerEvent[] {
  let id: string | undefined;
  let type = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "id") id = value;
    if (field === "event") type = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 ? [] : [{ id, type, data: data.join("\n") }];
}
