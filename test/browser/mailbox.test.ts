/** The example of an agent in a tab, in a real Chromium, with a browser's socket, its token as a subprotocol, and its close codes. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";
import { atEnd, startReveille, temporaryFolder } from "../system/harness/index.ts";
import { sharedChromium } from "./chromium.ts";

const PAGE = join(resolve(import.meta.dirname, "../../examples/mailbox"), "browser.html");
const Made = z.looseObject({ token: z.string() });
const Job = z.looseObject({ id: z.string() });
const Runs = z.looseObject({ items: z.array(z.looseObject({ status: z.string(), output: z.string().optional() })) });

it("a tab claims its runs over a socket, and gets the reason when the socket is closed", async () => {
  const html = await readFile(PAGE);
  const pages = createServer((_request, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise<void>((ready) => pages.listen(0, "127.0.0.1", ready));
  atEnd(() => void pages.close());
  const address = pages.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const reveille = await startReveille({ dataDir: await temporaryFolder() });
  const browser = await sharedChromium();
  const [own, strangers] = [await browser.newContext(), await browser.newContext()];
  atEnd(async () => {
    for (const context of [own, strangers]) await context.close();
  });

  await reveille.api("/v1/agents/tab", { method: "PUT", json: { delivery: "pull" } });
  const minted = await reveille.api("/v1/tokens", { json: { role: "agent", agent_id: "tab", expires_in: "1h" } });
  const { token } = Made.parse(await minted.json());
  const page = await own.newPage();
  await page.goto(`${origin}/#${new URLSearchParams({ url: reveille.url, agent: "tab", token })}`);
  await page.getByText("Connected", { exact: true }).waitFor();
  expect(page.url()).not.toContain(token);

  const job = { name: "tab", message: "hello there", schedule: { every: "1h" }, agent_id: "tab" };
  const { id } = Job.parse(await (await reveille.api("/v1/jobs", { json: job })).json());
  await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" });
  await page.getByText("The tab has read: hello there").waitFor();
  await expect
    .poll(async () => Runs.parse(await (await reveille.api(`/v1/jobs/${id}/runs`)).json()).items[0])
    .toMatchObject({ status: "success", output: "The tab has read: hello there" });

  await reveille.api("/v1/agents/tab", { method: "DELETE" });
  await page.getByText("Closed: the agent was deleted").waitFor();
  const stranger = await strangers.newPage();
  await stranger.goto(`${origin}/#${new URLSearchParams({ url: reveille.url, agent: "tab", token: "nonsense" })}`);
  await stranger.getByText("Closed: Invalid or expired token").waitFor();
});
