/** Reveille: as `npm start` runs it, and the same Worker in a bare workerd. */
import { ADMIN_TOKEN, api, USERS } from "../api.ts";
import { bundleReveille, ROOT } from "../build.ts";
import { startChild } from "../child.ts";
import type { Request } from "../load.ts";
import { fanOut, importUsers } from "../measures/reveille.ts";
import { MESSAGE, type Running, type StartOptions, type System } from "./system.ts";
import { type Mode, serve } from "./worker.ts";

export const reveille = (mode: Mode): System => ({
  name: `Reveille (${mode})`,
  objectPerJob: true,
  isReveille: true,
  async start(options): Promise<Running> {
    const server = mode === "miniflare" ? await npmStart(options) : await bare(options);
    return {
      ...server,
      create: createAt,
      async fanOut(users, concurrency) {
        await importUsers(server, users);
        return fanOut(server, users, concurrency);
      },
    };
  },
});

const createAt = (at: number, n: number): Request =>
  api("POST", "/v1/jobs", {
    name: `wake ${n}`,
    user_id: `user-${n % USERS}`,
    schedule: { at: new Date(at).toISOString() },
    message: MESSAGE,
  });

/** All settings but AGENT_URL. */
export const SETTINGS: Readonly<Record<string, string>> = {
  ADMIN_TOKEN,
  TOKEN_SECRET: "bench-token-secret-of-thirty-two-bytes",
  AGENT_SECRET: `whsec_${Buffer.from("a secret that is known to nobody").toString("base64")}`,
  MAX_JOBS_PER_OWNER: "100000",
};

async function npmStart({ dataDir, agentUrl }: StartOptions) {
  const child = await startChild("npm", ["start"], {
    cwd: ROOT,
    ready: /^Ready on http:\/\/127\.0\.0\.1:(\d+)$/m,
    env: { ...SETTINGS, AGENT_URL: agentUrl, PORT: "0", DATA_DIR: dataDir },
  });
  return { ...child, port: Number(child.found), dataDir };
}

async function bare({ dataDir, agentUrl }: StartOptions) {
  const bindings = { ...SETTINGS, AGENT_URL: agentUrl, LOCAL: "true" };
  return serve("workerd", { ...(await bundleReveille()), bindings }, dataDir);
}
