/** The machine of the measurement. */
import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { ROOT } from "./build.ts";
import { median } from "./stats.ts";

/** Lines for the head of the report. */
export function describeMachine(): string[] {
  const cpu = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return [
    `${cpu.length} x ${cpu[0]?.model.trim()}, ${gib} GiB, Linux ${output("uname", ["-r"])}; an fsync takes ${fsyncMs().toFixed(1)} ms`,
    `Node ${process.versions.node}, workerd ${version("workerd")}, miniflare ${version("miniflare")}`,
    `Reveille ${output("git", ["-C", ROOT, "rev-parse", "--short", "HEAD"])}`,
  ];
}

/** Lines for the versions of the peers. */
export function describePeers(): string[] {
  const packages = ["agents", "bullmq", "pg-boss"].map((name) => `${name} ${version(name, `${ROOT}/bench`)}`);
  const redis = /v=(\S+)/.exec(output("redis-server", ["--version"]))?.[1] ?? "?";
  return [`${packages.join(", ")}, Redis ${redis}, ${output("psql", ["--version"])}`];
}

function version(name: string, folder = ROOT): string {
  const parsed: unknown = JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "?";
}

function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "?";
  }
}

/** The speed of the disk: the median of some appends, each synced. */
function fsyncMs(): number {
  const path = join(mkdtempSync(join(tmpdir(), "reveille-fsync-")), "file");
  const file = openSync(path, "w");
  const times = Array.from({ length: 50 }, () => {
    writeSync(file, Buffer.alloc(4_096));
    const startedAt = performance.now();
    fsyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  rmSync(dirname(path), { recursive: true });
  return median(times);
}
