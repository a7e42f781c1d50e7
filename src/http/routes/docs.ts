/**
 * `/docs`: the page that shows /openapi.json to people. Its script and style are static files of this host, built by
 * web/docs.
 */
import { route } from "../route.ts";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reveille API</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" type="module"></script>
<main id="docs"></main>
<noscript>This page needs JavaScript. The API is described in <a href="/openapi.json">/openapi.json</a>.</noscript>
</html>
`;

/** The page's policy. The viewer draws its icons from data: URLs. Apart from that it loads only from this host. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const show = route({
  method: "get",
  path: "/docs",
  access: "public",
  id: "showDocs",
  tag: "Service",
  summary: "This description, as a page for people",
  answers: { 200: { description: "The page.", contentType: "text/html" } },
  async handle() {
    return new Response(PAGE, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "public, max-age=300",
      },
    });
  },
});

export const docsRoutes = [show] as const;
