import type { Job } from "../api/jobs.ts";

/** Whose job it is, and for whom it runs. */
export function OwnerChips({ job }: { readonly job: Job }) {
  const chips = [
    ...(job.exec_scope === "all_users" ? ["all users"] : []),
    ...(job.owner_kind === "system" ? ["system"] : []),
    ...(job.plugin_id === undefined ? [] : [`plugin ${job.plugin_id}`]),
    ...(job.agent_id === undefined ? [] : [`agent ${job.agent_id}`]),
    ...(job.user_id === undefined ? [] : [`user ${job.user_id}`]),
    ...Object.entries(job.labels ?? {}).map(([key, value]) => `${key}: ${value}`),
  ];
  return (
    <span class="chips">
      {chips.map((chip) => (
        <span key={chip} class="chip" title={chip}>
          {chip}
        </span>
      ))}
    </span>
  );
}
