/** Empties storage before each file. The files share one workerd, which starts once. */
import { reset } from "cloudflare:test";
import { beforeAll } from "vitest";

beforeAll(() => reset());
