/** Registrations without a function. JavaScript ignores the types, so without this check the first run would fail. */
import { expect, it } from "vitest";
import { setActiveUsers } from "../../../src/hooks/active-users.ts";
import { registerBuiltin } from "../../../src/hooks/builtins.ts";
import { onHeartbeatChat, onHeartbeatNotify } from "../../../src/hooks/heartbeat.ts";
import { addRunListener, registeredListeners, setJobHandler } from "../../../src/hooks/job-hooks.ts";
import { everyMinutes, scheduleEvery } from "../../../src/hooks/tasks.ts";

const missing: unknown[] = [undefined, null, 5, "run"];

const registrations: readonly [string, (...given: never[]) => void, ...unknown[]][] = [
  ["setActiveUsers: the users", setActiveUsers],
  ["setJobHandler: the handler", setJobHandler],
  ["addRunListener: the listener", addRunListener],
  ["setHeartbeatChat: the chat", onHeartbeatChat],
  ["setHeartbeatNotifier: the notifier", onHeartbeatNotify],
  ['everyMinutes("t"): the task', everyMinutes, 1, "t"],
  ['scheduleEvery("1s", "t"): the task', scheduleEvery, "1s", "t"],
];

it.each(registrations)("%s throws at the start and registers nothing", (what, register, ...before) => {
  for (const given of missing) {
    expect(() => Reflect.apply(register, undefined, [...before, given])).toThrow(`${what} must be a function, not `);
  }
  expect(registeredListeners()).toEqual([]);
});

it("a builtin's handler must be a function too", () => {
  const register = () =>
    Reflect.apply(registerBuiltin, undefined, [{ name: "b", schedule: { manual: true }, handler: 5 }]);
  expect(register).toThrow('registerBuiltin("b"): handler must be a function, not 5');
});
