import { link } from "../route.ts";

export function NotFound() {
  return (
    <div class="empty">
      <h1>Page not found</h1>
      <p>
        The address may be mistyped. <a href={link("jobs")}>All jobs</a>
      </p>
    </div>
  );
}
