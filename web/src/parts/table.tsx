/** A table with named columns. Its last column may hold actions, whose name is for screen readers only. */
import type { ComponentChildren } from "preact";

type TableProps = {
  /** The name of the table, if no heading gives one. */
  readonly label?: string;
  readonly columns: readonly string[];
  readonly hasActions?: boolean;
  /** The rows. */
  readonly children: ComponentChildren;
};

export function Table({ label, columns, hasActions = false, children }: TableProps) {
  return (
    <table class="plain-table" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
          {hasActions ? (
            <th scope="col">
              <span class="sr-only">Actions</span>
            </th>
          ) : null}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
