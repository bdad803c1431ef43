// Single-page apps as they are in the field: a page of another origin whose script is a real library, bundled as its
// users bundle it.

import { createServer } from "node:http";
import { build } from "esbuild";

/** Serves a page whose script is `source`; gives its origin, and a way to end it. */
export async function serveApp(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: new URL("..", import.meta.url).pathname, loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "silent",
  });
  const script = outputFiles[0].text;
  const server = createServer((request, response) => {
    const isScript = request.url === "/app.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><title>App</title><output></output><script type="module" src="/app.js"></script>');
  });
  await new Promise((done) => server.listen(0, "localhost", done));
  return {
    origin: `http://localhost:${server.address().port}`,
    stop: () => new Promise((done) => server.close(done)),
  };
}
