/** Creates, lists and revokes tokens for agents, users, plugins and viewers. A token is shown once. */
import { useState } from "preact/hooks";
import { mintToken, type Token } from "../../api/operator.ts";
import { messagesAt, type Problem } from "../../api/problem.ts";
import { CopyBlock } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { At } from "../../parts/times.tsx";
import { TokenList, useTokens } from "./token-list.tsx";

const ROLES = [
  ["agent", "Agent: its own jobs, for any user"],
  ["user", "User: their own jobs"],
  ["plugin", "Plugin: its own jobs"],
  ["viewer", "Viewer: reads all, changes nothing"],
] as const;
type Role = (typeof ROLES)[number][0];

/** Which ids a role's token may carry; the first is required. */
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

export function TokensPage() {
  const [role, setRole] = useState<Role>("agent");
  const [ids, setIds] = useState({ agent_id: "", user_id: "", plugin_id: "" });
  const [expiresIn, setExpiresIn] = useState("30d");
  const [name, setName] = useState("");
  const [access, setAccess] = useState<"write" | "read">("write");
  const tokens = useTokens();
  const [problem, setProblem] = useState<Problem>();
  const [made, setMade] = useState<Token>();
  const make = async (event: Event) => {
    event.preventDefault();
    const given = IDS[role].flatMap((name) => (ids[name].trim() === "" ? [] : [[name, ids[name].trim()]]));
    const answer = await mintToken({
      role,
      expires_in: expiresIn.trim(),
      ...(name.trim() === "" ? {} : { name: name.trim() }),
      ...(role === "viewer" ? {} : { access }),
      ...Object.fromEntries(given),
    });
    if (!answer.ok) return setProblem(answer.error);
    setProblem(undefined);
    setMade(answer.value);
    setName("");
    tokens.reload();
  };
  return (
    <>
      <h1>Tokens</h1>
      <p class="lead">
        A token sees and touches only jobs that match every id it carries. A revoked token is refused everywhere within
        ten seconds.
      </p>
      <form class="card" onSubmit={make} noValidate aria-labelledby="new-token">
        <h2 id="new-token">New token</h2>
        <div class="two">
          <SelectField label="Role" value={role} options={ROLES} onSelect={setRole} />
          <TextField
            label="Name"
            hint="To recognise it by in the list below."
            value={name}
            onInput={setName}
            errors={messagesAt(problem, "name")}
            input={{ placeholder: "laptop of Ada" }}
          />
          {role === "viewer" ? null : (
            <SelectField label="Access" value={access} options={ACCESS} onSelect={setAccess} />
          )}
          <TextField
            label="Valid for"
            hint="1s to 365d."
            value={expiresIn}
            onInput={setExpiresIn}
            errors={messagesAt(problem, "expires_in")}
          />
          {IDS[role].map((name, index) => (
            <TextField
              key={name}
              label={LABELS[name]}
              {...(index === 0 ? {} : { hint: "Empty is any." })}
              value={ids[name]}
              onInput={(value) => setIds((old) => ({ ...old, [name]: value }))}
              errors={messagesAt(problem, name)}
            />
          ))}
        </div>
        <ProblemBox problem={problem} />
        <button type="submit" class="button main">
          Create token
        </button>
      </form>
      <TokenList tokens={tokens} />
      {made === undefined ? null : (
        <Dialog title="The token" onClose={() => setMade(undefined)}>
          <div class="dialog-text">
            <p>
              It is shown only now. It is valid until <At instant={made.expires_at} />.
            </p>
            <CopyBlock text={made.token} what="Token" />
          </div>
        </Dialog>
      )}
    </>
  );
}
