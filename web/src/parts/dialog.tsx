/** A modal dialog. It is the browser's own, which keeps the focus inside, closes on Escape, and returns the focus. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Answer } from "../api/client.ts";
import { Action } from "./button.tsx";
import { Icon } from "./icon.tsx";

export type DialogProps = {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
};

/** A dialog that is open while it is drawn. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} class="dialog" aria-labelledby={titleId} onClose={onClose}>
      <header>
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="button quiet icon-only" aria-label="Close" onClick={() => ref.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

export type ConfirmProps<T> = {
  readonly title: string;
  readonly children: ComponentChildren;
  /** The words on the button that does it. */
  readonly confirm: string;
  readonly act: () => Promise<Answer<T>>;
  readonly done: string;
  /** Called after the dialog was closed. */
  readonly onDone?: (value: T) => void;
  readonly onClose: () => void;
};

/** Asks before an irreversible action. The focus begins on the way out. */
export function Confirm<T>({ title, children, confirm, act, done, onDone, onClose }: ConfirmProps<T>) {
  const finish = (value: T) => {
    onClose();
    onDone?.(value);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-text">{children}</div>
      <footer>
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <Action tone="danger" act={act} done={done} onDone={finish}>
          {confirm}
        </Action>
      </footer>
    </Dialog>
  );
}
