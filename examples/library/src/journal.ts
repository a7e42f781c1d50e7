/** The log of what this example does, line by line: `GET /journal`. */
import { DurableObject, env } from "cloudflare:workers";

declare global {
  namespace Cloudflare {
    interface Env {
      readonly JOURNAL: DurableObjectNamespace<JournalObject>;
    }
  }
}

export class JournalObject extends DurableObject {
  constructor(ctx: DurableObjectState, bindings: Cloudflare.Env) {
    super(ctx, bindings);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS line (no INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  }

  async add(text: string): Promise<void> {
    this.ctx.storage.sql.exec("INSERT INTO line (text) VALUES (?)", text);
  }

  async lines(): Promise<string[]> {
    return [...this.ctx.storage.sql.exec("SELECT text FROM line ORDER BY no")].map(({ text }) => String(text));
  }
}

/** The one journal. Handlers get no `env`, so a module imports its Worker's bindings. */
export const journal = (): DurableObjectStub<JournalObject> => env.JOURNAL.getByName("journal");
