/** The cron driver of `npm start`, against a server in place of the runtime's trigger. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it, vi } from "vitest";
import { startCron } from "../../../local/cron.ts";
import { atEnd, eventually } from "../harness/index.ts";

/** Every second, so that the tests need not wait for minutes. */
const EVERY_SECOND = "* * * * * *";

afterEach(() => void vi.restoreAllMocks());

async function trigger(answer: (call: number) => Promise<{ status: number; text: string }>) {
  const calls: URL[] = [];
  const server = createServer(async (request, response) => {
    calls.push(new URL(request.url ?? "", "http://127.0.0.1"));
    const { status, text } = await answer(calls.length);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { calls, server, url: `http://127.0.0.1:${port}` };
}

it("sends the expression and the due minute, in epoch ms", async () => {
  const { calls, url } = await trigger(async () => ({ status: 200, text: "ok" }));
  const stop = startCron(url, [EVERY_SECOND]);
  const [call] = await eventually("a tick", () => calls.length > 0 && calls);
  stop();
  expect(call?.pathname).toBe("/cdn-cgi/local/scheduled");
  expect(call?.searchParams.get("cron")).toBe(EVERY_SECOND);
  const time = Number(call?.searchParams.get("time"));
  expect(time % 60_000).toBe(0);
  expect(Math.abs(Date.now() - time)).toBeLessThan(62_000);
});

it("never fires a tick while the previous one is still running", async () => {
  let running = 0;
  let most = 0;
  const { calls, url } = await trigger(async () => {
    most = Math.max(most, ++running);
    await sleep(1_500);
    running--;
    return { status: 200, text: "ok" };
  });
  const stop = startCron(url, [EVERY_SECOND]);
  await eventually("a second tick", () => calls.length >= 2);
  stop();
  expect(most).toBe(1);
});

it("prints a failed tick in one line and continues", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const { calls, url } = await trigger(async () => ({ status: 500, text: "Error: the tick broke\n    at somewhere" }));
  const stop = startCron(url, [EVERY_SECOND]);
  await eventually("a tick after the failed one", () => calls.length >= 2);
  stop();
  expect(printed.mock.calls[0]).toEqual([
    expect.stringMatching(/^cron: the tick of \S+:00\.000Z failed: Error: the tick broke$/),
  ]);
});

it("survives a restart of the runtime", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const { server, url } = await trigger(async () => ({ status: 200, text: "ok" }));
  await new Promise((resolve) => server.close(resolve));
  const stop = startCron(url, [EVERY_SECOND]);
  await eventually("two failed ticks", () => printed.mock.calls.length >= 2);
  stop();
  expect(printed.mock.calls[0]?.[0]).toMatch(/^cron: the tick of \S+ failed: \S+/);
});
