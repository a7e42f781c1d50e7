/** The roster of users that fan-outs run for. */
import { useState } from "preact/hooks";
import { deleteUser, importUsers, listUsers, putUser, type User } from "../../api/operator.ts";
import { Action } from "../../parts/button.tsx";
import { curl, Empty } from "../../parts/empty.tsx";
import { AreaField } from "../../parts/field.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { Ago } from "../../parts/times.tsx";
import { route, setQuery } from "../../route.ts";
import { isOperator } from "../../session.ts";

const TABS = [
  ["", "All"],
  ["true", "Active"],
  ["false", "Inactive"],
] as const;

export function UsersPage() {
  const active = route.value.query.get("active") ?? "";
  const pages = usePages<User>(active, (cursor, signal) =>
    listUsers(active === "" ? undefined : active, cursor, signal),
  );
  const change = (user: User) => pages.update((old) => old.map((one) => (one.id === user.id ? user : one)));
  return (
    <>
      <h1>Users</h1>
      <p class="lead">Jobs for all users run once for each active user here.</p>
      <Tabs label="Which users" options={TABS} value={active} onSelect={(value) => setQuery({ active: value })} />
      <ProblemBox problem={pages.problem} onRetry={pages.reload} />
      {pages.items.length === 0 ? null : (
        <Table columns={["User", "State", "Last seen"]} hasActions>
          {pages.items.map((user) => (
            <UserRow
              key={user.id}
              user={user}
              onChange={change}
              onGone={() => pages.update((old) => old.filter(({ id }) => id !== user.id))}
            />
          ))}
        </Table>
      )}
      <MoreButton pages={pages} />
      {pages.items.length === 0 && !pages.loading && pages.problem === undefined ? (
        <Empty
          title={active === "" ? "No users yet" : "No such users"}
          command={curl("POST", "/v1/users/import", { users: ["alice", "bob"] })}
        >
          <p>Add the users of your agents here or from a shell.</p>
        </Empty>
      ) : null}
      {isOperator.value ? <AddUsers onDone={pages.reload} /> : null}
    </>
  );
}

function UserRow({
  user,
  onChange,
  onGone,
}: {
  readonly user: User;
  readonly onChange: (user: User) => void;
  readonly onGone: () => void;
}) {
  return (
    <tr>
      <td>{user.id}</td>
      <td>
        <StatusText status={user.active ? "active" : "paused"}>{user.active ? "active" : "inactive"}</StatusText>
      </td>
      <td>{user.last_seen_at === undefined ? <span class="none">never</span> : <Ago instant={user.last_seen_at} />}</td>
      <td class="row-actions">
        {isOperator.value ? (
          <>
            <Action
              tone="quiet"
              label={`${user.active ? "Deactivate" : "Activate"} ${user.id}`}
              act={() => putUser(user.id, !user.active)}
              onDone={onChange}
            >
              {user.active ? "Deactivate" : "Activate"}
            </Action>
            <Action
              tone="quiet"
              label={`Remove ${user.id}`}
              act={() => deleteUser(user.id)}
              onDone={onGone}
              done={`${user.id} was removed`}
            >
              Remove
            </Action>
          </>
        ) : null}
      </td>
    </tr>
  );
}

function AddUsers({ onDone }: { readonly onDone: () => void }) {
  const [text, setText] = useState("");
  const users = text
    .split(/[\n,]/)
    .map((id) => id.trim())
    .filter((id) => id !== "");
  return (
    <section class="card" aria-labelledby="add-users">
      <h2 id="add-users">Add users</h2>
      <AreaField
        label="User ids"
        hint="One a line; at most 1,000 at a time. Each becomes active."
        rows={4}
        value={text}
        onInput={setText}
      />
      <Action
        act={() => importUsers(users)}
        disabled={users.length === 0}
        done={({ imported }) => `${imported.toLocaleString("en")} users are active`}
        onDone={() => {
          setText("");
          onDone();
        }}
      >
        Add {users.length === 0 ? "" : users.length.toLocaleString("en")} users
      </Action>
    </section>
  );
}
