/** The groups of routes in the API's description. A route names one of them; any other name does not compile. */
export const TAGS = {
  Jobs: "What fires, when, and what the agent is told.",
  Runs: "What happened: one run for every time that a job was due or asked to run.",
  "Fan-outs": "The runs of an all_users job: one for each active user.",
  Schedules: "When a schedule fires, before any job is made with it.",
  Events: "What failed, recovered, was paused or is overdue, over all jobs.",
  Triggers: "Events from outside that run a job, and the token that lets them in.",
  Subscriptions: "Messages about events: to whom, and how.",
  Users: "The roster that all_users jobs run for.",
  Agents: "Where jobs with an agent_id are delivered.",
  Heartbeats: "A document that a model reads at intervals, and acts on when there is something to do.",
  Tokens: "Who may call.",
  Audit: "Who changed what, and when.",
  "Import and export": "Moving jobs between deployments.",
  Service: "The service itself.",
  MCP: "The same for agents, as tools.",
  "Calls to agents": "What Reveille sends, and how to answer it.",
} as const satisfies Readonly<Record<string, string>>;

export type Tag = keyof typeof TAGS;

/** The group of the calls that Reveille makes. */
export const CALLS_TAG: Tag = "Calls to agents";
