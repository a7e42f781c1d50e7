// Shows /openapi.json of this same host in Swagger UI. Served as it stands, as /docs/start.js.
const answer = await fetch("/openapi.json");
const spec = await answer.json();
if (!answer.ok) {
  document.body.textContent = spec.detail;
} else {
  globalThis.SwaggerUIBundle({
    // What is tried out on this page is sent to the host that the page came from.
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
