/** A user's folder, whose commands have nothing of this repository's environment except the network settings. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The settings by which a machine reaches registries: proxies and certificates. */
const NETWORK = /^(?:https?_proxy|no_proxy|npm_config_(?:registry|cafile)|node_extra_ca_certs|ssl_cert_(?:file|dir))$/i;

const environment: Readonly<Record<string, string | undefined>> = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_LOG: "error",
};

/** Returns stdout of a command in `cwd`. Rejects with all its output. */
export async function runAsStranger(command: string, args: readonly string[], cwd: string): Promise<string> {
  const done = promisify(execFile)(command, [...args], { cwd, env: environment, maxBuffer: 1 << 26 });
  const { stdout } = await done.catch((error: { readonly stdout?: string; readonly stderr?: string }) => {
    throw new Error(`${command} ${args.join(" ")}:\n${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

/** Whether npm answers for a package within a short time. */
export const hasRegistry = (name: string): Promise<boolean> =>
  runAsStranger("npm", ["view", name, "version", "--fetch-timeout=5000", "--fetch-retries=0"], process.cwd()).then(
    () => true,
    () => false,
  );
