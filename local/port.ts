/** Chooses the port before anything is started, so that a taken one ends `npm start` at once. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../src/domain/result.ts";

export const LOOPBACK = "127.0.0.1";
/** The time that a killed server may still hold its port. A restart should not fail because of it. */
const PATIENCE_MS = 800;
const RETRY_MS = 100;

/**
 * Ports below the range from which systems assign ports. Until the Worker listens, the system assigns ports to others: the
 * example agent, Miniflare's own sockets, connections. It must not assign them the port that nobody listens on yet.
 */
const FREE_PORTS = { from: 20_000, below: 32_768 } as const;
const FREE_ATTEMPTS = 100;

/** `port`, or any free port for 0. Errors with advice if the port is taken or not allowed. */
export async function findPort(port: number): Promise<Result<number, string>> {
  return port === 0 ? findFreePort() : awaitPort(port);
}

async function findFreePort(): Promise<Result<number, string>> {
  for (let n = 0; n < FREE_ATTEMPTS; n++) {
    const attempt = await tryToListen(randomInt(FREE_PORTS.from, FREE_PORTS.below));
    if (attempt.ok) return attempt;
  }
  return err(`No free port was found from ${FREE_PORTS.from} to ${FREE_PORTS.below - 1}. Set one: PORT=8788 npm start`);
}

async function awaitPort(port: number): Promise<Result<number, string>> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const attempt = await tryToListen(port);
    if (attempt.ok) return attempt;
    if (attempt.error !== "EADDRINUSE")
      return err(`Port ${port} cannot be used (${attempt.error}). Set another one: PORT=8788 npm start`);
    if (Date.now() >= deadline) return err(portInUse(port));
    await sleep(RETRY_MS);
  }
}

/** The message for a port that another process listens on. */
export const portInUse = (port: number): string =>
  `Port ${port} is already in use. Stop what listens on it, or set another one: PORT=${port === 8788 ? 8789 : 8788} npm start`;

/** Whether something listens on `port` of this machine. */
export async function isTaken(port: number): Promise<boolean> {
  const attempt = await tryToListen(port);
  return !attempt.ok && attempt.error === "EADDRINUSE";
}

function tryToListen(port: number): Promise<Result<number, string>> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) =>
      resolve(err("code" in error && typeof error.code === "string" ? error.code : error.message)),
    );
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      const found = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(ok(found)));
    });
  });
}
