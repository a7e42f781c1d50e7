import { afterEach } from "vitest";
import { putTabsAside } from "./tabs.ts";

afterEach(putTabsAside);
