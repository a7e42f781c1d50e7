/** The tokens that have not expired, each with a button that revokes it. */
import { type ListedToken, listTokens, revokeToken } from "../../api/operator.ts";
import { Action } from "../../parts/button.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { type Pages, usePages } from "../../parts/resource.ts";
import { Table } from "../../parts/table.tsx";
import { At } from "../../parts/times.tsx";

export const useTokens = (): Pages<ListedToken> =>
  usePages<ListedToken>("tokens", (cursor, signal) => listTokens(cursor, signal));

export function TokenList({ tokens }: { readonly tokens: Pages<ListedToken> }) {
  const drop = (id: string) => tokens.update((old) => old.filter((one) => one.id !== id));
  return (
    <>
      <ProblemBox problem={tokens.problem} onRetry={tokens.reload} />
      {tokens.items.length === 0 ? null : (
        <Table label="Tokens" columns={["Name", "For", "May", "Expires"]} hasActions>
          {tokens.items.map((token) => (
            <tr key={token.id}>
              <td>{token.name ?? <code>{token.id}</code>}</td>
              <td>{subjectOf(token)}</td>
              <td>{mayDo(token)}</td>
              <td>
                <At instant={token.expires_at} />
              </td>
              <td class="row-actions">
                <Action
                  tone="quiet"
                  label={`Revoke ${token.name ?? token.id}`}
                  act={() => revokeToken(token.id)}
                  done="The token is revoked; it is refused everywhere within ten seconds"
                  onDone={() => drop(token.id)}
                >
                  Revoke
                </Action>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <MoreButton pages={tokens} />
    </>
  );
}

const subjectOf = ({ role, agent_id, user_id, plugin_id }: ListedToken): string =>
  [role, agent_id, user_id, plugin_id].filter((part) => part !== undefined).join(" · ");

function mayDo({ role, access, agents }: ListedToken): string {
  if (role === "viewer") return "read everything";
  const does = access === "read" ? "read" : "read and write";
  return agents === undefined ? does : `${does}, with ${agents.join(", ")} only`;
}
