import type { Job } from "../api/jobs.ts";
import { link } from "../route.ts";

type Chip = { readonly text: string; readonly to: string };

const jobsWith = (name: string, value: string): string => `${link("jobs")}?${new URLSearchParams({ [name]: value })}`;

/** The owner of the job and its user. Each chip links to the jobs that share it. */
export function OwnerChips({ job, tabIndex = 0 }: { readonly job: Job; readonly tabIndex?: number }) {
  const chips: readonly Chip[] = [
    ...(job.exec_scope === "all_users" ? [{ text: "all users", to: jobsWith("exec_scope", "all_users") }] : []),
    ...(job.owner_kind === "system" ? [{ text: "system", to: jobsWith("owner_kind", "system") }] : []),
    ...(job.plugin_id === undefined
      ? []
      : [{ text: `plugin ${job.plugin_id}`, to: jobsWith("plugin_id", job.plugin_id) }]),
    ...(job.agent_id === undefined ? [] : [{ text: `agent ${job.agent_id}`, to: link("agents", job.agent_id) }]),
    ...(job.user_id === undefined ? [] : [{ text: `user ${job.user_id}`, to: jobsWith("user_id", job.user_id) }]),
    ...Object.entries(job.labels ?? {}).map(([key, value]) => ({
      text: `${key}: ${value}`,
      to: jobsWith("label", `${key}:${value}`),
    })),
  ];
  return (
    <span class="chips">
      {chips.map(({ text, to }) => (
        <a key={text} class="chip" title={text} href={to} tabIndex={tabIndex}>
          {text}
        </a>
      ))}
    </span>
  );
}
