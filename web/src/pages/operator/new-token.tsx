/** The form that creates a token. */
import { useState } from "preact/hooks";
import { mintToken, type Token } from "../../api/operator.ts";
import { SelectField, TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useSubmission } from "../../parts/submission.ts";

const ROLES = [
  ["agent", "Agent: its own jobs, for any user"],
  ["user", "User: their own jobs"],
  ["plugin", "Plugin: its own jobs"],
  ["viewer", "Viewer: reads all, changes nothing"],
] as const;
type Role = (typeof ROLES)[number][0];

/** The ids that each role's token may carry. The first is required. */
const IDS: Readonly<Record<Role, readonly ("agent_id" | "user_id" | "plugin_id")[]>> = {
  agent: ["agent_id", "user_id"],
  user: ["user_id", "agent_id"],
  plugin: ["plugin_id", "agent_id"],
  viewer: [],
};
const ACCESS = [
  ["write", "Read and write"],
  ["read", "Read only"],
] as const;
const LABELS = { agent_id: "Agent", user_id: "User", plugin_id: "Plugin" } as const;

export function NewToken({ onSaved }: { readonly onSaved: (token: Token) => void }) {
  const [role, setRole] = useState<Role>("agent");
  const [ids, setIds] = useState({ agent_id: "", user_id: "", plugin_id: "" });
  const [expiresIn, setExpiresIn] = useState("30d");
  const [name, setName] = useState("");
  const [access, setAccess] = useState<"write" | "read">("write");
  const { problem, at, submit } = useSubmission({
    send: () =>
      mintToken({
        role,
        expires_in: expiresIn.trim(),
        ...(name.trim() === "" ? {} : { name: name.trim() }),
        ...(role === "viewer" ? {} : { access }),
        ...Object.fromEntries(IDS[role].map((id) => [id, ids[id].trim()]).filter(([, id]) => id !== "")),
      }),
    onSaved: (token) => {
      setName("");
      onSaved(token);
    },
  });
  return (
    <form class="card" onSubmit={submit} noValidate aria-labelledby="new-token">
      <h2 id="new-token">New token</h2>
      <div class="two">
        <SelectField label="Role" value={role} options={ROLES} onSelect={setRole} />
        <TextField
          label="Name"
          hint="Shown in the list below."
          value={name}
          onInput={setName}
          errors={at("name")}
          input={{ placeholder: "laptop of Ada" }}
        />
        {role === "viewer" ? null : <SelectField label="Access" value={access} options={ACCESS} onSelect={setAccess} />}
        <TextField
          label="Valid for"
          hint="1s to 365d."
          value={expiresIn}
          onInput={setExpiresIn}
          errors={at("expires_in")}
        />
        {IDS[role].map((name, index) => (
          <TextField
            key={name}
            label={LABELS[name]}
            {...(index === 0 ? {} : { hint: "Leave it empty for any." })}
            value={ids[name]}
            onInput={(value) => setIds((old) => ({ ...old, [name]: value }))}
            errors={at(name)}
          />
        ))}
      </div>
      <ProblemBox problem={problem} />
      <button type="submit" class="button main">
        Create token
      </button>
    </form>
  );
}
