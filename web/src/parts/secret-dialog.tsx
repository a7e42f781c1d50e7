/** A secret that was just generated. It is shown once, with a button that copies it. */
import type { ComponentChildren } from "preact";
import { CopyBlock } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";

type SecretDialogProps = {
  readonly title: string;
  /** The name of the secret, for the button that copies it. */
  readonly what: string;
  readonly secret: string;
  readonly onClose: () => void;
  /** The purpose of the secret, and that it is shown only now. */
  readonly children: ComponentChildren;
};

export function SecretDialog({ title, what, secret, onClose, children }: SecretDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-text">
        <p>{children}</p>
        <CopyBlock text={secret} what={what} />
      </div>
    </Dialog>
  );
}
