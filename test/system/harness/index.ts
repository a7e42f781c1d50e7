export { type Agent, type AgentCall, type Answer, type Script, startAgent } from "./agent.ts";
export { atEnd, temporaryFolder } from "./cleanup.ts";
export { closedPort } from "./closed-port.ts";
export { eventually } from "./eventually.ts";
export {
  type ApiInit,
  type Ended,
  type Process,
  type Reveille,
  startAndEnd,
  startAndFail,
  startReveille,
} from "./reveille.ts";
