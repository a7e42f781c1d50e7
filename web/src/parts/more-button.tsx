/** The button below a list that loads its next page. It is absent if there is none. */
import type { ComponentChildren } from "preact";
import type { Pages } from "./resource.ts";

type MoreButtonProps = {
  readonly pages: Pick<Pages<unknown>, "more" | "loading" | "loadMore">;
  readonly children?: ComponentChildren;
};

export function MoreButton({ pages, children = "Show more" }: MoreButtonProps) {
  if (!pages.more) return null;
  return (
    <button type="button" class="button" aria-busy={pages.loading} onClick={pages.loadMore}>
      {children}
    </button>
  );
}
