/** Tells `exports` of cloudflare:workers what the Worker under test exports. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../../src/index.ts");
  }
}

/** A file's text. */
declare module "*?raw" {
  const text: string;
  export default text;
}
