import { describe, expect, it } from "vitest";
import { isOwnHost, isOwnOrigin } from "../../../src/http/own-host.ts";

describe("the service's own hosts", () => {
  const LOCAL = { LOCAL: true, PUBLIC_URL: undefined };
  it.each<[string, { LOCAL: boolean; PUBLIC_URL: string | undefined }, boolean]>([
    ["http://127.0.0.1:8787/mcp", LOCAL, true],
    ["http://localhost:8787/", LOCAL, true],
    ["http://[::1]:8787/", LOCAL, true],
    ["http://127.9.9.9/", LOCAL, true],
    ["http://evil.example:8787/mcp", LOCAL, false],
    ["http://127.0.0.1.evil.example/", LOCAL, false],
    ["http://localhost.evil.example/", LOCAL, false],
    ["https://tunnel.example/", { LOCAL: true, PUBLIC_URL: "https://tunnel.example/base" }, true],
    ["https://other.example/", { LOCAL: true, PUBLIC_URL: "https://tunnel.example" }, false],
    ["https://any.example/", { LOCAL: false, PUBLIC_URL: undefined }, true],
  ])("%s under %o: %s", (url, settings, isOwn) => {
    expect(isOwnHost(new URL(url), settings)).toBe(isOwn);
  });

  it("an origin is the URL's own or PUBLIC_URL's", () => {
    const url = new URL("http://127.0.0.1:8787/mcp");
    const settings = { PUBLIC_URL: "https://tunnel.example/base" };
    expect(isOwnOrigin("http://127.0.0.1:8787", url, settings)).toBe(true);
    expect(isOwnOrigin("https://tunnel.example", url, settings)).toBe(true);
    expect(isOwnOrigin("https://evil.example", url, settings)).toBe(false);
    expect(isOwnOrigin("http://127.0.0.1:9999", url, settings)).toBe(false);
  });
});
