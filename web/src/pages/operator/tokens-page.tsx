/** Creates, lists and revokes tokens for agents, users, plugins and viewers. A token is shown once. */
import { useState } from "preact/hooks";
import type { Token } from "../../api/operator.ts";
import { SecretDialog } from "../../parts/secret-dialog.tsx";
import { At } from "../../parts/times.tsx";
import { NewToken } from "./new-token.tsx";
import { TokenList, useTokens } from "./token-list.tsx";

export function TokensPage() {
  const tokens = useTokens();
  const [made, setMade] = useState<Token>();
  return (
    <>
      <h1>Tokens</h1>
      <p class="lead">
        A token can see and change only jobs that match every one of its ids. A revoked token is refused everywhere
        within ten seconds.
      </p>
      <NewToken
        onSaved={(token) => {
          setMade(token);
          tokens.reload();
        }}
      />
      <TokenList tokens={tokens} />
      {made === undefined ? null : (
        <SecretDialog title="The token" what="Token" secret={made.token} onClose={() => setMade(undefined)}>
          It is shown only now. It is valid until <At instant={made.expires_at} />.
        </SecretDialog>
      )}
    </>
  );
}
