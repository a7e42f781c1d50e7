/** The session: a pasted token, kept only in this tab's sessionStorage, and its claims. */
import { computed, signal } from "@preact/signals";

const KEY = "reveille.token";

/** The role of a token, for what the dashboard offers. The API decides what is allowed. */
export type Role = "admin" | "agent" | "user" | "plugin" | "viewer";
export type Caller = {
  readonly role: Role;
  readonly agent_id?: string;
  readonly user_id?: string;
  readonly plugin_id?: string;
};

/** The token of calls. Null while nobody is signed in. */
export const token = signal<string | null>(sessionStorage.getItem(KEY));

/** Why the last session ended by itself, for the sign-in page. */
export const signedOutBecause = signal<string | undefined>(undefined);

/** The claims of the token. Any text that is not one of Reveille's JWTs counts as the operator's. */
export const caller = computed<Caller | undefined>(() => (token.value === null ? undefined : readCaller(token.value)));

/** Whether to offer the operator's actions. */
export const isOperator = computed(() => caller.value?.role === "admin");

/** Whether to offer changes at all. */
export const mayChange = computed(() => caller.value !== undefined && caller.value.role !== "viewer");

/** Keeps the token for this tab. */
export function signIn(pasted: string): void {
  sessionStorage.setItem(KEY, pasted);
  signedOutBecause.value = undefined;
  token.value = pasted;
}

/** Forgets the token. `because` is shown on the sign-in page. */
export function signOut(because?: string): void {
  sessionStorage.removeItem(KEY);
  signedOutBecause.value = because;
  token.value = null;
}

const ROLES: readonly string[] = ["agent", "user", "plugin", "viewer"];
const isRole = (role: unknown): role is Role => typeof role === "string" && ROLES.includes(role);

function readCaller(jwt: string): Caller {
  const claims = readClaims(jwt);
  if (claims === undefined || !isRole(claims.role)) return { role: "admin" };
  const id = (name: string) => (typeof claims[name] === "string" ? { [name]: claims[name] } : {});
  return { role: claims.role, ...id("agent_id"), ...id("user_id"), ...id("plugin_id") };
}

function readClaims(jwt: string): Record<string, unknown> | undefined {
  const [, payload] = jwt.split(".");
  if (payload === undefined) return undefined;
  try {
    const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const claims: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
