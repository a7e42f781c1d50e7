/**
 * Counts what Cloudflare bills, from inside the Worker under test, whose own code stays as it is: rows read and written, alarms set
 * (a row each), calls of objects, and how long each alarm kept its object awake. All objects of a Worker share one isolate here.
 */
import { DurableObject } from "cloudflare:workers";

type Cursor = { readonly rowsRead: number; readonly rowsWritten: number };

const cursors: Cursor[] = [];
const calls = new Map<string, number>();
const awakeMs: number[] = [];
let alarmsSet = 0;

export type Counts = {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly awakeMs: readonly number[];
};

/** An object that hands over the platform's own classes, which have no names of their own, to be counted in. */
export class Probe extends DurableObject<unknown> {
  install(): void {
    const { storage } = this.ctx;
    patch(prototypeOf(storage.sql, "exec"), "exec", (cursor) => {
      if (isCursor(cursor)) cursors.push(cursor);
    });
    for (const name of ["setAlarm", "deleteAlarm"]) {
      patch(prototypeOf(storage, name), name, () => {
        alarmsSet++;
      });
    }
  }
}

/** Has the calls of these classes counted, by class and method. */
export function countCalls(classes: Readonly<Record<string, { readonly prototype: object }>>): void {
  for (const [className, { prototype }] of Object.entries(classes)) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name === "constructor" || name.startsWith("_")) continue;
      if (typeof Object.getOwnPropertyDescriptor(prototype, name)?.value !== "function") continue;
      const key = `${className}.${name}`;
      patch(prototype, name, (result) => {
        calls.set(key, (calls.get(key) ?? 0) + 1);
        if (name === "alarm" && result instanceof Promise) noteAwake(result);
      });
    }
  }
}

/** Answers for `/bench/…`, and nothing for any other path. */
export async function counts(
  request: Request,
  env: { readonly PROBE: DurableObjectNamespace<Probe> },
): Promise<Response | undefined> {
  switch (new URL(request.url).pathname) {
    case "/bench/install":
      await env.PROBE.getByName("probe").install();
      return new Response();
    case "/bench/reset":
      cursors.length = 0;
      awakeMs.length = 0;
      alarmsSet = 0;
      calls.clear();
      return new Response();
    case "/bench/counts": {
      const sum = (read: (cursor: Cursor) => number): number =>
        cursors.reduce((total, cursor) => total + read(cursor), 0);
      const answer: Counts = {
        rowsRead: sum(({ rowsRead }) => rowsRead),
        rowsWritten: sum(({ rowsWritten }) => rowsWritten),
        alarmsSet,
        calls: Object.fromEntries(calls),
        awakeMs: [...awakeMs],
      };
      return Response.json(answer);
    }
    default:
      return undefined;
  }
}

function noteAwake(alarm: Promise<unknown>): void {
  const startedAt = Date.now();
  const note = (): void => {
    awakeMs.push(Date.now() - startedAt);
  };
  alarm.then(note, note);
}

const isCursor = (value: unknown): value is Cursor =>
  typeof value === "object" && value !== null && "rowsWritten" in value;

function prototypeOf(instance: object, name: string): object {
  let prototype: unknown = Object.getPrototypeOf(instance);
  while (typeof prototype === "object" && prototype !== null && !Object.hasOwn(prototype, name)) {
    prototype = Object.getPrototypeOf(prototype);
  }
  if (typeof prototype !== "object" || prototype === null) throw new Error(`There is no ${name} to count`);
  return prototype;
}

/** Puts `note` behind a method; it sees what the method returned. */
function patch(prototype: object, name: string, note: (result: unknown) => void): void {
  const original: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
  if (typeof original !== "function") throw new Error(`${name} is not a method`);
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    value(this: object, ...args: readonly unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, args);
      note(result);
      return result;
    },
  });
}
