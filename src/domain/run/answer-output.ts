/** The output of an answer that also steers its job (docs/contract.md §15). */

/**
 * The value of the key `output`, if `reveille` is the only other key of the answer. Undefined otherwise: the whole answer is the
 * output. Text has no keys, so an agent that answers with text and a control writes both into one object.
 */
export function outputBesideControl(answer: Readonly<Record<string, unknown>>): unknown {
  const { reveille, output, ...others } = answer;
  const isAlone = reveille !== undefined && Object.keys(others).length === 0;
  return isAlone ? (output ?? undefined) : undefined;
}
