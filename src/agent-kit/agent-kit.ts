/**
 * The kit of an agent that Reveille wakes, on Web standards alone: Node, Workers, Deno, Bun and browsers.
 *
 *     import { createAgent } from "reveille/agent";
 *     export default { fetch: createAgent({ secret: AGENT_SECRET, onRun: (run) => think(run.session_id, run.message) }) };
 */
export {
  type Connection,
  type ConnectionEvent,
  ConnectionRefused,
  type ConnectOptions,
  connectAgent,
} from "./connect-agent.ts";
export { type Agent, type AgentOptions, type Chat, createAgent } from "./create-agent.ts";
export { nodeListener } from "./node-listener.ts";
export type { CalledJob, Control, OnRun, Progress, Run, RunCall } from "./run.ts";
