/** The text of an empty list: its purpose, and a call that would fill it. */
import type { ComponentChildren } from "preact";
import { CopyBlock } from "./copy.tsx";

export type EmptyProps = { readonly title: string; readonly children: ComponentChildren; readonly command?: string };

export function Empty({ title, children, command }: EmptyProps) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
      {command === undefined ? null : <CopyBlock text={command} what="Command" />}
    </section>
  );
}

/** A curl with a JSON body for this server. The token is a variable, so that none is shown or copied. */
export function curl(method: string, path: string, body: unknown): string {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl -X ${method} ${location.origin}${path} \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '${json}'`;
}
