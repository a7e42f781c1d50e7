/** The type of `exports` of cloudflare:workers: the exports of the Worker under test. */
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
