/** A loopback port without a listener, which no other program can get while the test file runs. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { atEnd } from "./cleanup.ts";

/**
 * Returns such a port: the local end of an open connection. A port that was only closed again can be given to the service of
 * another test, which then answers on it.
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
