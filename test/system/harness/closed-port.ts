/** A loopback port on which nothing listens, and which nobody is given while the test file runs. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { atEnd } from "./cleanup.ts";

/**
 * Answers such a port: the local end of an open connection. A port that was merely closed again can be given to the service of
 * another test, which then answers where nobody should.
 */
export async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const held = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(held, "connect");
  atEnd(() => {
    held.destroy();
    server.close();
  });
  if (held.localPort === undefined) throw new Error("a connection has a local port");
  return held.localPort;
}
