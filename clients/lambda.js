// A small place for functions to live, as Lambda runs them: it speaks the Invoke API and calls handlers written as AWS
// documents them. For trying triggers on one's own machine, and for the tests here:
//
//   node clients/lambda.js --port 9001 pre-sign-up=./pre-sign-up.js custom-message=./words.js

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const INVOCATION = /^\/2015-03-31\/functions\/([A-Za-z0-9_-]+)\/invocations(\?|$)/;

/** Serves handlers by the names of their functions. Both ways of a handler work: a promise, or a callback. */
export function lambda(handlers) {
  return createServer(async (request, response) => {
    const name = INVOCATION.exec(request.url)?.[1];
    const answer = (status, body, headers = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body ?? null));
    };
    if (request.method !== "POST" || !name || !handlers[name]) {
      const message = `Function not found: ${name ?? request.url}`;
      return answer(404, { Message: message }, { "x-amzn-errortype": "ResourceNotFoundException" });
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const event = JSON.parse(Buffer.concat(chunks).toString());
      answer(200, await invoke(handlers[name], event, { functionName: name }));
    } catch (error) {
      const { name: errorType, message: errorMessage, stack } = error;
      const trace = String(stack).split("\n");
      answer(200, { errorType, errorMessage, trace }, { "x-amz-function-error": "Unhandled" });
    }
  });
}

function invoke(handler, event, context) {
  return new Promise((done, failed) => {
    const called = handler(event, context, (error, answer) => (error ? failed(error) : done(answer)));
    called?.then?.(done, failed);
  });
}

async function main(words) {
  const at = words.indexOf("--port");
  const port = at < 0 ? 9001 : Number(words.splice(at, 2)[1]);
  const handlers = {};
  for (const word of words) {
    const [name, file] = word.split("=");
    handlers[name] = (await import(pathToFileURL(resolve(file)))).handler;
  }
  lambda(handlers).listen(port, "127.0.0.1", () => {
    console.log(`functions ${Object.keys(handlers).join(", ")} at http://127.0.0.1:${port}`);
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));
