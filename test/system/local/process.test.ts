/** The end of `npm start`, by signals, kills and errors (docs/contract.md §11). */
import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { eventually, type Reveille, startAndEnd, startReveille, temporaryFolder } from "../harness/index.ts";

/** Longer than a person should wait for a Ctrl-C. */
const STOP_LIMIT_MS = 2_500;
/** How long a process may outlive one that was killed. */
const ORPHAN_LIMIT_MS = 2_000;

describe("ending it", () => {
  it.each([
    ["SIGINT", "group"],
    ["SIGTERM", "group"],
    ["SIGINT", "npm"],
    ["SIGTERM", "npm"],
    ["SIGTERM", "node"],
  ] as const)("by %s to %s leaves no process behind and the port free", async (signal, target) => {
    const reveille = await startReveille({ dataDir: await temporaryFolder(), by: "npm" });
    const begun = Date.now();
    await reveille.kill(signal, target);
    await eventually(
      () => `an empty process group; there were ${JSON.stringify(reveille.processes())}`,
      () => reveille.processes().length === 0,
      STOP_LIMIT_MS,
    );
    expect(Date.now() - begun).toBeLessThan(STOP_LIMIT_MS);
    await expect(isFree(reveille.port)).resolves.toBe(true);
    // The end counts as success.
    if (target === "node") expect(await reveille.stop()).toBe(0);
  });

  it.each([
    ["while it still starts", /^AGENT_URL is not set/m],
    ["in the very moment in which it is ready", /^Ready on/m],
  ])("by a signal %s leaves nothing behind, and counts as success too", async (_when, line) => {
    const { code, left } = await startAndEnd({ dataDir: await temporaryFolder(), by: "npm" }, line, "SIGTERM");
    expect(code).toBe(0);
    await eventually(
      () => `an empty process group; there were ${JSON.stringify(left())}`,
      () => left().length === 0,
      ORPHAN_LIMIT_MS,
    );
  });
});

describe("a process that was killed", () => {
  let dataDir: string;
  let reveille: Reveille;
  beforeAll(async () => {
    dataDir = await temporaryFolder();
    reveille = await startReveille({ dataDir, by: "npm" });
  });

  it.each([["npm"], ["node"], ["group"]] as const)(
    "by SIGKILL to %s leaves no orphan, and the next start on the same port continues with the same data",
    async (target) => {
      await reveille.kill("SIGKILL", target);
      await eventually(
        () => `an empty process group; there were ${JSON.stringify(reveille.processes())}`,
        () => reveille.processes().length === 0,
        ORPHAN_LIMIT_MS,
      );
      const again = await startReveille({ dataDir, port: reveille.port, by: "npm" });
      expect(again.url).toBe(reveille.url);
      expect(again.adminToken).toBe(reveille.adminToken);
      reveille = again;
    },
  );

  it("is started again on the same port if only workerd was killed", async () => {
    const workerd = reveille.processes().find(({ command }) => command.includes("workerd serve"));
    if (workerd === undefined) throw new Error("workerd does not run");
    process.kill(workerd.pid, "SIGKILL");
    await eventually("healthz of the restarted workerd", async () => {
      const running = reveille
        .processes()
        .some(({ pid, command }) => command.includes("workerd serve") && pid !== workerd.pid);
      return running && (await answers(`${reveille.url}/healthz`));
    });
    await reveille.kill("SIGKILL", "node");
    await eventually(
      "the restarted workerd does not outlive node",
      () => reveille.processes().length === 0,
      ORPHAN_LIMIT_MS,
    );
  });
});

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    // Not up yet: asked again until the time is over.
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
