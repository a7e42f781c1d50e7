/** The labels that `reveille apply` writes (docs/contract.md §21). */

/** The label with the namespace of the job's file. */
export const NAMESPACE_LABEL = "reveille/namespace";
/** The label with the job's KEY in the file. */
export const KEY_LABEL = "reveille/key";

/** The labels of a job without those two. */
export const ownLabels = (labels: Readonly<Record<string, string>>): string[] =>
  Object.keys(labels).filter((label) => label !== NAMESPACE_LABEL && label !== KEY_LABEL);
