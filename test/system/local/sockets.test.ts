/** A stop of `npm start` closes agents' sockets with 1012, so that they connect again (docs/contract.md §14). */
import { expect, it } from "vitest";
import * as z from "zod";
import { eventually, startReveille, temporaryFolder } from "../harness/index.ts";

// A Ctrl-C in a terminal reaches workerd as well, which ends at once: 1006.
it.each([
  ["SIGTERM", "group", 1012],
  ["SIGINT", "node", 1012],
  ["SIGKILL", "group", 1006],
] as const)(
  "%s to the %s closes sockets with %i, also those on which nothing was ever said",
  async (signal, target, code) => {
    const reveille = await startReveille({ dataDir: await temporaryFolder() });
    await reveille.api("/v1/agents/laptop", { method: "PUT", json: { delivery: "pull" } });
    const codes: number[] = [];
    for (let n = 0; n < 3; n++) {
      const url = `${reveille.url.replace("http", "ws")}/v1/agents/laptop/connect`;
      const socket = new WebSocket(url, ["reveille.v1", `bearer.${reveille.adminToken}`]);
      socket.addEventListener("close", (event) => codes.push(event.code));
      await eventually("an open socket", () => socket.readyState === WebSocket.OPEN);
      if (n === 0) socket.send(JSON.stringify({ type: "ready", capacity: 1 }));
    }
    await reveille.kill(signal, target);
    await eventually("the closes", () => codes.length === 3);
    expect(codes).toEqual([code, code, code]);
  },
);

it("closes refused sockets with the code of the reason", async () => {
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  await reveille.api("/v1/agents/laptop", { method: "PUT", json: { delivery: "pull" } });
  const minted = await reveille.api("/v1/tokens", { json: { role: "viewer", expires_in: "1h" } });
  const { token } = z.looseObject({ token: z.string() }).parse(await minted.json());
  const codeOf = (agent: string, as: string): Promise<number> =>
    new Promise((resolve) => {
      const url = `${reveille.url.replace("http", "ws")}/v1/agents/${agent}/connect`;
      new WebSocket(url, ["reveille.v1", `bearer.${as}`]).addEventListener("close", ({ code }) => resolve(code));
    });
  expect(await codeOf("laptop", token)).toBe(1008);
  expect(await codeOf("laptop", "no.token.atall")).toBe(4401);
  expect(await codeOf("nobody", reveille.adminToken)).toBe(4404);
  await reveille.stop();
});
