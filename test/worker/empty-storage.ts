/** The files share one workerd, which starts once: each begins with nothing stored, as in one of its own. */
import { reset } from "cloudflare:test";
import { beforeAll } from "vitest";

beforeAll(() => reset());
