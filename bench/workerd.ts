/** Workers in a bare workerd: the same modules that Miniflare would run, without what Miniflare puts in front of them. */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as z from "zod";
import { findPort } from "../local/port.ts";
import { type Child, startChild } from "./child.ts";

/** The binary itself; the package has no types. */
const workerd = z.object({ default: z.string() }).parse(createRequire(import.meta.url)("workerd")).default;

export type BareWorker = {
  readonly source: string;
  /** Binding name to class name. */
  readonly objects: Readonly<Record<string, string>>;
  readonly bindings: Readonly<Record<string, string>>;
  readonly compatibilityDate: string;
  readonly compatibilityFlags?: readonly string[];
};

/** Starts it on a free port with its storage under `dataDir`. */
export async function startWorkerd(worker: BareWorker, dataDir: string): Promise<Child & { readonly port: number }> {
  const port = await findPort(0);
  if (!port.ok) throw new Error(port.error);
  const storage = join(dataDir, "storage");
  await mkdir(storage, { recursive: true });
  await writeFile(join(dataDir, "worker.mjs"), worker.source);
  const configPath = join(dataDir, "config.capnp");
  await writeFile(configPath, config(worker, storage, port.value));
  const child = await startChild(workerd, ["serve", "--control-fd=1", configPath], { ready: /"event":"listen"/ });
  return { ...child, port: port.value };
}

function config(worker: BareWorker, storage: string, port: number): string {
  const text = (value: string): string => JSON.stringify(value);
  const bindings = [
    ...Object.entries(worker.bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.entries(worker.objects).map(
      ([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`,
    ),
  ];
  const namespaces = [...new Set(Object.values(worker.objects))].map(
    (name) => `(className = ${text(name)}, uniqueKey = ${text(`bench-${name}`)}, enableSql = true)`,
  );
  const flags = (worker.compatibilityFlags ?? []).map(text);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = ${text(worker.compatibilityDate)},
      compatibilityFlags = [${flags.join(", ")}],
      bindings = [${bindings.join(", ")}],
      durableObjectNamespaces = [${namespaces.join(", ")}],
      durableObjectStorage = (localDisk = "storage"),
      globalOutbound = "outside",
    )),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
    (name = "outside", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}
