/** `reveille doctor` and `reveille smoke`: is the deployment well, and does it do what it promises? */
import { type Command, type Given, UsageError } from "../command.ts";
import { checkedUrl, findAddress } from "../login.ts";
import { type Deployment, deploymentAt } from "../operator/deployment.ts";
import { runDoctor } from "../operator/doctor.ts";
import { runSmoke } from "../operator/smoke.ts";
import type { Terminal } from "../terminal.ts";

const DEPLOYMENT = {
  name: "URL",
  about: "the deployment; else the one that the other commands speak to",
  optional: true,
} as const;

export const doctor: Command = {
  name: "doctor",
  summary: "Check a deployment from outside",
  about: "It changes nothing, needs the operator's token, and waits up to two minutes for a tick.",
  positionals: [DEPLOYMENT],
  examples: ["reveille doctor", "reveille doctor https://reveille.example.com"],
  run: async (given, terminal) => runDoctor(await deploymentFor(given, terminal), terminal.print),
};

export const smoke: Command = {
  name: "smoke",
  summary: "Make a job, see it fire, and delete it",
  positionals: [DEPLOYMENT],
  examples: ["reveille smoke", "reveille smoke https://reveille.example.com"],
  run: async (given, terminal) => runSmoke(await deploymentFor(given, terminal), terminal),
};

async function deploymentFor(given: Given, terminal: Terminal): Promise<Deployment> {
  const [named] = given.positionals;
  if (named !== undefined && given.text("url") !== undefined) throw new UsageError("the address is given twice");
  const url = named === undefined ? given.text("url") : checkedUrl(named);
  const token = given.text("token") ?? (terminal.env.ADMIN_TOKEN || undefined);
  const asked: Given = {
    ...given,
    text: (option) => (option === "url" ? url : option === "token" ? token : given.text(option)),
  };
  const address = await findAddress(asked, terminal);
  return deploymentAt(address.url, address.token);
}
