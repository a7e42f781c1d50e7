/** The pages that create and change a job. */
import { useState } from "preact/hooks";
import { announce, announceWarnings } from "../../announce.ts";
import { createJob, getJob, type Job, patchJob } from "../../api/jobs.ts";
import { Icon } from "../../parts/icon.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { go, link } from "../../route.ts";
import { VIEWER_ZONE } from "../../time/format.ts";
import { bodyOf, draftOf, emptyDraft, patchOf } from "./draft.ts";
import { JobForm } from "./job-form.tsx";

export function NewJobPage() {
  // A second press after a lost answer must not create a second job. A changed body after a refusal needs another key.
  const [keys] = useState(() => new Map<string, string>());
  const keyOf = (body: string): string => {
    const key = keys.get(body) ?? crypto.randomUUID();
    keys.set(body, key);
    return key;
  };
  return (
    <>
      <Back to={link("jobs")} label="Jobs" />
      <h1>New job</h1>
      <JobForm
        initial={emptyDraft(VIEWER_ZONE)}
        submitLabel="Create job"
        cancelTo={link("jobs")}
        submit={(draft) => {
          const { body } = bodyOf(draft);
          return createJob(body, keyOf(JSON.stringify(body)));
        }}
        onSaved={(job) => {
          announce(`${job.name} was created`);
          announceWarnings(job.warnings);
          go(link("jobs", job.id));
        }}
      />
    </>
  );
}

export function EditJobPage({ id }: { readonly id: string }) {
  const { value: job, problem, reload } = useResource<Job>(id, (signal) => getJob(id, signal));
  if (job === undefined)
    return problem === undefined ? <p class="loading">Loading…</p> : <ProblemBox problem={problem} onRetry={reload} />;
  const initial = draftOf(job, VIEWER_ZONE);
  return (
    <>
      <Back to={link("jobs", id)} label={job.name} />
      <h1>Edit</h1>
      <JobForm
        key={job.etag}
        initial={initial}
        submitLabel="Save"
        cancelTo={link("jobs", id)}
        submit={(draft) => patchJob(id, job.etag, patchOf(bodyOf(initial).body, bodyOf(draft).body))}
        onSaved={(saved) => {
          announce(`${saved.name} was saved`);
          announceWarnings(saved.warnings);
          go(link("jobs", id));
        }}
        onReload={reload}
      />
    </>
  );
}

function Back({ to, label }: { readonly to: string; readonly label: string }) {
  return (
    <a class="back" href={to}>
      <Icon name="back" /> {label}
    </a>
  );
}
