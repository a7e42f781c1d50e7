/** The editor of HEARTBEAT.md, which says in plain words what the heartbeat looks after. */
import { useState } from "preact/hooks";
import { getDocument, putDocument } from "../../api/heartbeats.ts";
import { Action } from "../../parts/button.tsx";
import { AreaField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { isOperator } from "../../session.ts";

const MAX_BYTES = 64 * 1024;
const encoder = new TextEncoder();

export function DocumentEditor({ name }: { readonly name: string }) {
  const stored = useResource(name, (signal) => getDocument(name, signal));
  const [typed, setTyped] = useState<string>();
  // A document that was never written is empty and not an error.
  const saved = stored.problem?.code === "not_found" ? "" : stored.value;
  const text = typed ?? saved ?? "";
  const bytes = encoder.encode(text).byteLength;
  return (
    <section class="card" aria-labelledby="document-title">
      <h2 id="document-title">Document</h2>
      <ProblemBox problem={stored.problem?.code === "not_found" ? undefined : stored.problem} onRetry={stored.reload} />
      <AreaField
        label="HEARTBEAT.md"
        hint={`What to look after, in Markdown. While it is empty no model is asked. ${bytes.toLocaleString("en")} of ${MAX_BYTES.toLocaleString("en")} bytes.`}
        errors={bytes > MAX_BYTES ? ["It is too long."] : []}
        rows={10}
        mono
        value={text}
        onInput={setTyped}
      />
      {isOperator.value ? (
        <Action
          act={() => putDocument(name, text)}
          done="The document was saved"
          disabled={saved === undefined || text === saved || bytes > MAX_BYTES}
          onDone={() => stored.put(text)}
        >
          Save document
        </Action>
      ) : null}
    </section>
  );
}
