/** Search, state tabs and filters of the list of jobs. They are in the address, so that a list can be bookmarked. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { JobFilter } from "../../api/jobs.ts";
import { useShortcuts } from "../../keys.ts";
import { SelectField, TextField } from "../../parts/field.tsx";
import { Fold } from "../../parts/fold.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { setQuery } from "../../route.ts";

export const FILTER_NAMES = [
  "q",
  "state",
  "owner_kind",
  "exec_scope",
  "agent_id",
  "user_id",
  "plugin_id",
  "label",
  "health",
] as const;
const MORE_NAMES = FILTER_NAMES.slice(2);

export const STATE_TABS = [
  ["", "Active & paused"],
  ["active", "Active"],
  ["paused", "Paused"],
  ["finished", "Finished"],
] as const;

const OWNERS = [
  ["", "Any owner"],
  ["user", "User"],
  ["plugin", "Plugin"],
  ["system", "System"],
] as const;
const SCOPES = [
  ["", "Any scope"],
  ["system", "Once"],
  ["user", "As a user"],
  ["all_users", "For all users"],
] as const;

const HEALTH = [
  ["", "Any health"],
  ["failing", "Failing"],
  ["overdue", "Overdue"],
  ["ok", "Well"],
] as const;

const TYPING_PAUSE_MS = 200;

export function JobFilters({ filter }: { readonly filter: JobFilter }) {
  const count = MORE_NAMES.filter((name) => filter[name] !== undefined).length;
  return (
    <div class="filters">
      <Search initial={filter.q ?? ""} />
      <Tabs label="State" options={STATE_TABS} value={filter.state ?? ""} onSelect={(state) => setQuery({ state })} />
      <Fold class="more-filters" summary={count === 0 ? "Filters" : `Filters (${count})`} isUsed={count > 0}>
        <div class="filter-fields">
          <SelectField
            label="Owner"
            value={one(OWNERS, filter.owner_kind)}
            options={OWNERS}
            onSelect={(owner_kind) => setQuery({ owner_kind })}
          />
          <SelectField
            label="Scope"
            value={one(SCOPES, filter.exec_scope)}
            options={SCOPES}
            onSelect={(exec_scope) => setQuery({ exec_scope })}
          />
          <SelectField
            label="Health"
            value={one(HEALTH, filter.health)}
            options={HEALTH}
            onSelect={(health) => setQuery({ health })}
          />
          <TextFilter name="agent_id" label="Agent" value={filter.agent_id} />
          <TextFilter name="user_id" label="User" value={filter.user_id} />
          <TextFilter name="plugin_id" label="Plugin" value={filter.plugin_id} />
          <TextFilter name="label" label="Label" value={filter.label} placeholder="team:ops" />
          {count === 0 ? null : (
            <button
              type="button"
              class="button quiet"
              onClick={() => setQuery(Object.fromEntries(MORE_NAMES.map((name) => [name, undefined])))}
            >
              Clear filters
            </button>
          )}
        </div>
      </Fold>
    </div>
  );
}

/** The option in the address. If there is no such option, the first one, which means none. */
function one<V extends string>(options: readonly (readonly [V, string])[], value: string | undefined): V | "" {
  return options.find(([option]) => option === value)?.[0] ?? "";
}

function Search({ initial }: { readonly initial: string }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useTyped(initial, (q) => setQuery({ q }));
  useShortcuts({ "/": () => input.current?.focus() });
  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label="Search jobs by name"
        placeholder="Search by name"
        title="Search (/)"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <span class="key-hint" />
    </div>
  );
}

type TextFilterProps = {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
  readonly placeholder?: string;
};

function TextFilter({ name, label, value = "", placeholder }: TextFilterProps) {
  const [text, setText] = useTyped(value, (typed) => setQuery({ [name]: typed.trim() }));
  return (
    <TextField label={label} value={text} onInput={setText} input={placeholder === undefined ? {} : { placeholder }} />
  );
}

/** Text that is passed on when the user pauses. It follows `outside` when that changes by other means. */
function useTyped(outside: string, hand: (text: string) => void): readonly [string, (text: string) => void] {
  const [text, setText] = useState(outside);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const handed = useRef(outside);
  useEffect(() => {
    if (outside !== handed.current.trim()) setText(outside);
    handed.current = outside;
  }, [outside]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (typed: string) => {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      handed.current = typed;
      hand(typed);
    }, TYPING_PAUSE_MS);
  };
  return [text, type];
}
