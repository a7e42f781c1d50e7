// Shows /openapi.json of this host in Swagger UI. It is served unchanged as /docs/start.js.
const answer = await fetch("/openapi.json");
const spec = await answer.json();
if (!answer.ok) {
  document.body.textContent = spec.detail;
} else {
  globalThis.SwaggerUIBundle({
    // Calls that are tried out on this page go to the host that the page came from.
    spec: { ...spec, servers: [{ url: location.origin }] },
    dom_id: "#docs",
    presets: [globalThis.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    filter: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
}
