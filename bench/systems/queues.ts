/** BullMQ on Redis and pg-boss on PostgreSQL: the servers are Debian's, started on ports of their own and stopped again. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findPort } from "../../local/port.ts";
import { ROOT } from "../build.ts";
import { type Child, startChild } from "../child.ts";
import { fanOut } from "../measures/fan-out.ts";
import { postJob, type Running, type StartOptions, type System } from "./system.ts";

/** Redis as usual for jobs: every write goes to the append-only file, synced once a second. A crash loses up to a second. */
export const bullmq: System = {
  name: "BullMQ + Redis",
  objectPerJob: false,
  async start(options): Promise<Running> {
    const port = await freePort();
    const redis = await startChild(
      program("redis-server"),
      [
        "--port",
        port,
        "--bind",
        "127.0.0.1",
        "--dir",
        options.dataDir,
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
      ],
      { ready: /Ready to accept connections/ },
    );
    return serveQueue("bullmq-server.ts", { REDIS_PORT: port }, redis, options, true);
  },
};

/** PostgreSQL with its defaults: a commit is on disk before it is acknowledged. */
export const pgBoss: System = {
  name: "pg-boss + PostgreSQL",
  objectPerJob: false,
  async start(options): Promise<Running> {
    const port = await freePort();
    const data = join(options.dataDir, "postgres");
    const user = await unprivileged(options.dataDir, data);
    execFileSync(program("initdb"), ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"], {
      stdio: "ignore",
      ...user,
    });
    const postgres = await startChild(
      program("postgres"),
      ["-D", data, "-p", port, "-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=50"],
      { ready: /ready to accept connections/, ...user },
    );
    return serveQueue("pg-boss-server.ts", { POSTGRES_PORT: port }, postgres, options);
  },
};

/** The missing programs that the peers need. */
export const missingPrograms = (): string[] =>
  ["redis-server", "initdb", "postgres"].filter((name) => find(name) === undefined);

async function serveQueue(
  file: string,
  env: Readonly<Record<string, string>>,
  store: Child,
  { dataDir, agentUrl }: StartOptions,
  fansOut = false,
): Promise<Running> {
  const server = await startChild(process.execPath, [`${ROOT}/bench/workers/${file}`], {
    ready: /^Ready on (\d+)$/m,
    env: { ...env, AGENT_URL: agentUrl },
  });
  const port = Number(server.found);
  return {
    pid: server.pid,
    port,
    dataDir,
    create: postJob,
    ...(fansOut ? { fanOut: (users: number, concurrency: number) => fanOut(port, users, concurrency) } : {}),
    async stop() {
      await server.stop();
      await store.stop();
    },
  };
}

async function freePort(): Promise<string> {
  const port = await findPort(0);
  if (!port.ok) throw new Error(port.error);
  return String(port.value);
}

let saidUser = false;

/** PostgreSQL does not run as root: there it gets the user that Debian made for it, and folders of that user. */
async function unprivileged(...folders: readonly string[]): Promise<{ uid?: number; gid?: number }> {
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return {};
  if (!saidUser) console.log("  PostgreSQL refuses to run as root: it runs as the user postgres");
  saidUser = true;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  const user = { uid: id("-u"), gid: id("-g") };
  for (const folder of folders) await chown(folder, user.uid, user.gid);
  return user;
}

/** Debian keeps PostgreSQL's programs out of PATH, in a folder for each version. */
function find(name: string): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [];
  const folders = [...(process.env.PATH ?? "").split(":"), ...versions.toReversed()];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function program(name: string): string {
  const path = find(name);
  if (path === undefined) throw new Error(`${name} is not installed: apt-get install redis-server postgresql`);
  return path;
}
