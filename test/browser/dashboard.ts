/** The dashboard in a real Chromium against a real `npm start`, with an agent whose answers the test sets. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import * as z from "zod";
import {
  type Agent,
  atEnd,
  type Reveille,
  type Script,
  startAgent,
  startReveille,
  temporaryFolder,
} from "../system/harness/index.ts";
import { sharedChromium } from "./chromium.ts";
import { type TabOptions, Tabs } from "./tabs.ts";

const anything = z.record(z.string(), z.unknown());
const made = z.object({ id: z.string() });

export type Dashboard = {
  /** The service, replaced after a restart. */
  readonly reveille: Reveille;
  readonly agent: Agent;
  /** Creates a job over the API and returns it. */
  makeJob(body: object): Promise<{ readonly id: string }>;
  /** Calls the API and returns the answer. With a body it is a POST. */
  call(path: string, json?: object): Promise<Record<string, unknown>>;
  /** Kills the service like a power cut, and starts it again on the same data and port. */
  restart(): Promise<void>;
  /** A new tab with empty storage, signed in as the operator, at `place` (`#/jobs`). */
  open(place?: string, options?: TabOptions): Promise<Page>;
};

export type StartOptions = { readonly script?: Script; readonly env?: Readonly<Record<string, string>> };

/** Starts the service and an agent, which end with the test file, and a browser if none runs in this process. */
export async function startDashboard({ script, env = {} }: StartOptions = {}): Promise<Dashboard> {
  const agent = await startAgent(script);
  const dataDir = await temporaryFolder();
  const start = (port?: number) =>
    startReveille({
      dataDir,
      ...(port === undefined ? {} : { port }),
      env: { ADMIN_TOKEN: "the-operator", AGENT_URL: agent.url, AGENT_SECRET: agent.secret, ...env },
    });
  const [first] = await Promise.all([start(), sharedChromium()]);
  let reveille = first;
  const tabs = new Tabs(first.url);
  atEnd(() => tabs.close());
  const call: Dashboard["call"] = async (path, json) => {
    const response = await reveille.api(path, json === undefined ? {} : { json });
    expect(response.ok, `${path} answers ${response.status}`).toBe(true);
    return anything.parse(await response.json());
  };
  return {
    get reveille() {
      return reveille;
    },
    agent,
    async restart() {
      await reveille.kill("SIGKILL");
      reveille = await start(reveille.port);
    },
    async makeJob(body) {
      return made.parse(await call("/v1/jobs", { message: "Do it.", ...body }));
    },
    call,
    open: (place = "#/jobs", options) =>
      tabs.open(place, options?.token === undefined ? reveille.adminToken : options.token, options),
  };
}
