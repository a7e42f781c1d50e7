/** Everything that `npm start` runs: secrets, example agent, Worker, legacy import, cron. */
import { ok, type Result } from "../src/domain/result.ts";
import { fireAtStart, startCron } from "./cron.ts";
import { claimDataDir, openFolderWarning } from "./data-dir.ts";
import { startExampleAgent } from "./example-agent.ts";
import { importLegacy } from "./legacy.ts";
import { findPort, LOOPBACK } from "./port.ts";
import type { BuildWorker } from "./runtime.ts";
import { keepSecret, type SecretName } from "./secrets.ts";
import type { Settings } from "./settings.ts";

export type Service = { readonly url: string; stop(): Promise<void> };

/**
 * Starts the Worker from `build` with `settings`. `print` gets the lines for the operator, with `Ready on URL` as the last.
 * Errors with a sentence to print, after everything has been stopped.
 */
export async function startService(
  settings: Settings,
  build: BuildWorker,
  print: (line: string) => void,
): Promise<Result<Service, string>> {
  const port = await findPort(settings.port);
  if (!port.ok) return port;
  const url = `http://${LOOPBACK}:${port.value}`;
  const claimed = await claimDataDir(settings.dataDir, port.value);
  if (!claimed.ok) return claimed;
  const openFolder = await openFolderWarning(settings.dataDir);
  if (openFolder !== undefined) print(openFolder);

  const secret = (name: SecretName) => secretOf(settings, name);
  const adminToken = await secret("ADMIN_TOKEN");
  if (!adminToken.ok) return adminToken;
  const tokenSecret = await secret("TOKEN_SECRET");
  if (!tokenSecret.ok) return tokenSecret;
  const stops: (() => void | Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) await end();
  };

  const agent = await defaultAgent(settings, url, print);
  if (!agent.ok) return agent;
  stops.push(agent.value.stop);
  const bindings: Record<string, string> = {
    PUBLIC_URL: url,
    // Nothing limits the calls of an invocation here. A bound keeps one object from doing nothing else.
    CALLS_PER_WAKE: "1000",
    ...settings.worker,
    ...agent.value.bindings,
    ADMIN_TOKEN: adminToken.value,
    TOKEN_SECRET: tokenSecret.value,
    LOCAL: "true",
  };

  // It is loaded this late because wrangler, which reads its configuration, takes a second or more, and wrong settings
  // should be reported at once.
  const { startRuntime } = await import("./runtime.ts");
  const runtime = await startRuntime({ build, port: port.value, dataDir: settings.dataDir, bindings });
  if (!runtime.ok) {
    await stop();
    return runtime;
  }
  stops.push(runtime.value.stop);

  greet({ settings, url, adminToken: adminToken.value, tokenSecret: tokenSecret.value }, print);
  if (settings.legacyDataPath !== undefined) {
    const line = await importLegacy(settings.legacyDataPath, url, adminToken.value);
    if (line !== undefined) print(line);
  }
  if (settings.cron) {
    stops.push(startCron(url, runtime.value.crons));
    await fireAtStart(url, runtime.value.crons);
  }
  print(`Ready on ${url}`);
  return ok({ url, stop });
}

/** The operator's own secret. If it is not set, this machine makes a secret and keeps it. */
async function secretOf({ worker, dataDir }: Settings, name: SecretName): Promise<Result<string, string>> {
  const given = worker[name];
  return given === undefined ? keepSecret(dataDir, name) : ok(given);
}

type DefaultAgent = { readonly bindings: Readonly<Record<string, string>>; stop(): void | Promise<void> };

/** The agent of jobs that name none. If no setting names one, the bundled example agent is started. */
async function defaultAgent(
  settings: Settings,
  url: string,
  print: (line: string) => void,
): Promise<Result<DefaultAgent, string>> {
  const { AGENT_URL, AGENT_ID } = settings.worker;
  if (AGENT_URL === undefined && AGENT_ID === undefined) {
    const secret = await secretOf(settings, "AGENT_SECRET");
    if (!secret.ok) return secret;
    const agent = await startExampleAgent(secret.value, print);
    print(
      `AGENT_URL is not set: a bundled example agent answers on ${agent.url} and prints the messages that it receives`,
    );
    return ok({ bindings: { AGENT_URL: agent.url, AGENT_SECRET: secret.value }, stop: agent.stop });
  }
  if (AGENT_URL === undefined) {
    print(
      `AGENT_ID=${AGENT_ID}: the default agent has no address; it claims its runs at ${url}/v1/agents/${AGENT_ID}/claim`,
    );
  }
  return ok({ bindings: {}, stop: () => {} });
}

type Greeting = {
  readonly settings: Settings;
  readonly url: string;
  readonly adminToken: string;
  readonly tokenSecret: string;
};

/** Prints the secrets that were made here, the pages to look at, and what a deployment would refuse. */
function greet({ settings, url, adminToken, tokenSecret }: Greeting, print: (line: string) => void): void {
  if (settings.worker.ADMIN_TOKEN === undefined) {
    print(`ADMIN_TOKEN=${adminToken} (made for this machine and kept in DATA_DIR)`);
  }
  if (settings.worker.TOKEN_SECRET === undefined) {
    print("TOKEN_SECRET was made for this machine and is kept in DATA_DIR");
  }
  print(`Dashboard ${url}/  API reference ${url}/docs  MCP ${url}/mcp`);
  for (const warning of weakSecrets(adminToken, tokenSecret)) print(warning);
}

const MIN_SECRET_CHARS = 32;

/** Warnings about secrets that a deployment on Cloudflare would refuse (docs/contract.md §17). */
function weakSecrets(adminToken: string, tokenSecret: string): string[] {
  const warnings = Object.entries({ ADMIN_TOKEN: adminToken, TOKEN_SECRET: tokenSecret })
    .filter(([, secret]) => secret.length < MIN_SECRET_CHARS)
    .map(
      ([name]) =>
        `Warning: ${name} has fewer than ${MIN_SECRET_CHARS} characters, which Cloudflare refuses. Make one: openssl rand -base64 32`,
    );
  if (adminToken === tokenSecret) {
    warnings.push("Warning: ADMIN_TOKEN and TOKEN_SECRET are the same, which Cloudflare refuses. Make one for each.");
  }
  return warnings;
}
