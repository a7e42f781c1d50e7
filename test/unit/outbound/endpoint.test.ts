import { expect, it } from "vitest";
import { checkEndpoint } from "../../../src/outbound/endpoint.ts";

it.each([
  "https://agent.example.com/hook",
  "https://agent.example.com:8443/hook?key=1",
  "https://127.0.0.1/",
  "HTTPS://AGENT.EXAMPLE.COM",
])("accepts %s anywhere", (url) => {
  expect(checkEndpoint(url, { allowLoopbackHttp: false })).toEqual({ ok: true, value: new URL(url) });
});

it.each([
  "http://localhost:3000/hook",
  "http://LOCALHOST/",
  "http://127.0.0.1:8080",
  "http://127.255.255.254/",
  "http://127.1/",
  "http://[::1]:9000/",
  "http://[0:0:0:0:0:0:0:1]/",
])("accepts %s under npm start only", (url) => {
  expect(checkEndpoint(url, { allowLoopbackHttp: true })).toEqual({ ok: true, value: new URL(url) });
  expect(checkEndpoint(url, { allowLoopbackHttp: false })).toMatchObject({
    ok: false,
    error: expect.stringContaining("npm start"),
  });
});

it.each([
  ["http://agent.example.com/", "this machine only"],
  ["http://localhost.example.com/", "this machine only"],
  ["http://127.0.0.1.example.com/", "this machine only"],
  ["http://128.0.0.1/", "this machine only"],
  ["http://0.0.0.0/", "this machine only"],
  ["http://10.0.0.1/", "this machine only"],
  ["ftp://localhost/", "not ftp:"],
  ["file:///etc/hosts", "not file:"],
  ["javascript:alert(1)", "not javascript:"],
  ["localhost:3000", "not localhost:"],
  ["agent.example.com/hook", "is not a URL"],
  ["/hook", "is not a URL"],
  ["", "is not a URL"],
  ["https://", "is not a URL"],
  ["https://user:pass@agent.example.com/", "user name or password"],
  ["https://user@agent.example.com/", "user name or password"],
  [`https://agent.example.com/${"x".repeat(2_048)}`, "longer than 2048"],
])("refuses %s everywhere", (url, error) => {
  expect(checkEndpoint(url, { allowLoopbackHttp: true })).toMatchObject({
    ok: false,
    error: expect.stringContaining(error),
  });
  expect(checkEndpoint(url, { allowLoopbackHttp: false }).ok).toBe(false);
});
