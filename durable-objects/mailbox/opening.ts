/** The facts of a request for a socket of a mailbox. */
import { SOCKET_REQUEST_HEADER, type SocketRequest } from "../../src/objects/mailbox.ts";
import { SUBPROTOCOL } from "../../src/schema/mailbox.ts";
import { SocketRequestText } from "./seats.ts";

/** The facts of a socket request. Undefined for a request that the Worker has not made. */
export function socketRequestIn(request: Request): SocketRequest | undefined {
  try {
    return SocketRequestText.parse(JSON.parse(request.headers.get(SOCKET_REQUEST_HEADER) ?? ""));
  } catch {
    return undefined;
  }
}

/** Whether the client speaks the protocol of a mailbox. */
export const offersProtocol = (request: Request): boolean =>
  (request.headers.get("sec-websocket-protocol") ?? "").split(",").some((name) => name.trim() === SUBPROTOCOL);
