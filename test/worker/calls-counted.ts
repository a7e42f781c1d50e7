/** The requests of objects that Cloudflare bills: calls of their methods, and alarms. */
import { runInDurableObject } from "cloudflare:test";

/** Counts the calls of every object of this one's class from now on, by method. */
export async function countCalls(stub: DurableObjectStub): Promise<ReadonlyMap<string, number>> {
  const calls = new Map<string, number>();
  await runInDurableObject(stub, (instance) => {
    const prototype: object = Object.getPrototypeOf(instance);
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === "constructor" || typeof value !== "function") continue;
      const counted = function (this: unknown, ...given: unknown[]): unknown {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return Reflect.apply(value, this, given);
      };
      Object.defineProperty(prototype, name, { value: counted, configurable: true, writable: true });
    }
  });
  return calls;
}
