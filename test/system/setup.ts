import { afterAll } from "vitest";
import { endAll } from "./harness/cleanup.ts";

afterAll(endAll);
