/** Lets a Fetch handler answer calls of Node's `http` server, which uses streams. It imports nothing of Node. */

type Incoming = AsyncIterable<Uint8Array> & {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};
type Outgoing = {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body?: Uint8Array): unknown;
};

/** The listener for `createServer` that answers with `handler`. If the handler throws, the answer is 500. */
export function nodeListener(
  handler: (request: Request) => Promise<Response>,
): (request: Incoming, response: Outgoing) => Promise<void> {
  return async (incoming, outgoing) => {
    try {
      const response = await handler(await requestOf(incoming));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      outgoing.writeHead(500, { "content-type": "application/json" });
      outgoing.end(new TextEncoder().encode(JSON.stringify({ error: String(error) })));
    }
  };
}

const MAX_BODY_BYTES = 2 * 1_048_576;

async function requestOf(incoming: Incoming): Promise<Request> {
  const { method = "GET", url = "/" } = incoming;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.byteLength;
    // The body is read to its end anyway, so that the answer arrives. The handler refuses a body of this length by its
    // header.
    if (bytes <= MAX_BODY_BYTES) chunks.push(new Uint8Array(chunk));
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(`http://localhost${url}`, { method, headers, ...(hasBody ? { body: new Blob(chunks) } : {}) });
}
