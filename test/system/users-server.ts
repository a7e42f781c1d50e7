/** An ACTIVE_USERS_URL over real HTTP: pages of users, changed by a test's script. */
import { createServer } from "node:http";
import { atEnd } from "./harness/index.ts";

export type UsersCall = { readonly cursor: string | null; readonly headers: NodeJS.Dict<string | string[]> };
export type UsersAnswer = { readonly status?: number; readonly body?: unknown; readonly reset?: boolean };

/** Chooses the answer to one call; `index` counts calls from 0. */
export type UsersScript = (call: UsersCall, index: number) => UsersAnswer;

export type UsersServer = {
  readonly url: string;
  readonly calls: readonly UsersCall[];
  answerWith(script: UsersScript): void;
};

export async function startUsersServer(script: UsersScript): Promise<UsersServer> {
  const calls: UsersCall[] = [];
  let answer = script;
  const server = createServer((request, response) => {
    const call = {
      cursor: new URL(request.url ?? "/", "http://users").searchParams.get("cursor"),
      headers: request.headers,
    };
    calls.push(call);
    const { status = 200, body, reset } = answer(call, calls.length - 1);
    if (reset) return void response.socket?.resetAndDestroy();
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address and a port");
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${address.port}/users`,
    calls,
    answerWith(next) {
      answer = next;
    },
  };
}

/** Pages of `users` of this size. The cursor is the index of the page's first user. */
export const pagesOf =
  (users: readonly (string | number)[], size: number): UsersScript =>
  ({ cursor }) => {
    const from = Number(cursor ?? 0);
    const next = from + size;
    return { body: { users: users.slice(from, next), ...(next < users.length ? { next_cursor: String(next) } : {}) } };
  };
