/** `reveille doctor` and `reveille smoke`: check that the deployment is healthy and does its work. */
import { type Command, type Given, UsageError } from "../command.ts";
import { checkedUrl, findAddress } from "../login.ts";
import { type Deployment, deploymentAt } from "../operator/deployment.ts";
import { findings, runDoctor } from "../operator/doctor.ts";
import { runSmoke, smoked } from "../operator/smoke.ts";
import { json } from "../render.ts";
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
  async run(given, terminal) {
    const deployment = await deploymentFor(given, terminal);
    if (!given.flag("json")) return runDoctor(deployment, terminal.print);
    const checks: object[] = [];
    let isWell = true;
    for await (const found of findings(deployment)) {
      checks.push(found);
      isWell &&= found.verdict !== "wrong";
    }
    terminal.print(json({ ok: isWell, checks }));
    return isWell ? 0 : 1;
  },
};

export const smoke: Command = {
  name: "smoke",
  summary: "Create a job, see it fire, and delete it",
  positionals: [DEPLOYMENT],
  examples: ["reveille smoke", "reveille smoke https://reveille.example.com"],
  async run(given, terminal) {
    const deployment = await deploymentFor(given, terminal);
    if (!given.flag("json")) return runSmoke(deployment, terminal);
    const steps: object[] = [];
    const error = await smoked(deployment, (step, what) => void steps.push({ step, what }));
    terminal.print(json({ ok: error === undefined, steps, ...(error === undefined ? {} : { error }) }));
    return error === undefined ? 0 : 1;
  },
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
