/** Asks for a token, tries it, and says why it is refused. */
import { useState } from "preact/hooks";
import { send, v1 } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import { TextField } from "../parts/field.tsx";
import { Mark } from "../parts/icon.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { signedOutBecause, signIn } from "../session.ts";

export function SignInPage() {
  const [pasted, setPasted] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const attempt = async (event: Event) => {
    event.preventDefault();
    const given = pasted.trim();
    if (given === "" || busy) return;
    setBusy(true);
    const answer = await send("GET", v1("jobs"), {
      query: { limit: 1 },
      headers: { authorization: `Bearer ${given}` },
    });
    setBusy(false);
    if (answer.ok) signIn(given);
    else setProblem(answer.error);
  };
  const because = signedOutBecause.value;
  return (
    <main class="sign-in">
      <form onSubmit={attempt}>
        <h1>
          <Mark /> Reveille
        </h1>
        <p class="lead">Did it run? Why not? What is next?</p>
        {because === undefined || problem !== undefined ? null : <p class="problem">You were signed out: {because}</p>}
        <TextField
          label="Token"
          value={pasted}
          onInput={setPasted}
          hint="The operator's ADMIN_TOKEN (npm start prints it), or one made by POST /v1/tokens. It stays in this tab and is forgotten when the tab is closed."
          input={{ type: "password", name: "token", required: true, autofocus: true }}
        />
        <ProblemBox problem={problem} />
        <button type="submit" class="button main" aria-busy={busy}>
          Sign in
        </button>
        <p class="hint">
          No browser needed: everything here is also <a href="/docs">an HTTP API</a> and an MCP server at{" "}
          <code>/mcp</code>.
        </p>
      </form>
    </main>
  );
}
