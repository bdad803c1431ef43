// A server as it stands in the field: postern by a configuration file, and a TLS front before it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as forward } from "node:http";
import { createServer } from "node:https";
import { createServer as listener } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CognitoIdentityProvider } from "@aws-sdk/client-cognito-identity-provider";
import { environment } from "../postern.js";

async function freePort() {
  const server = listener().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** Starts both; gives the public address, an administrator, a way to read a code, and a way to end it all. */
export async function startProduction() {
  const binary = environment("POSTERN_BINARY");
  const folder = mkdtempSync(join(tmpdir(), "postern-front-"));
  const [inner, outer] = [await freePort(), await freePort()];
  const url = `https://localhost:${outer}`;
  const mails = join(folder, "mails.jsonl");
  const config = join(folder, "postern.toml");
  writeFileSync(
    config,
    `public_url = "${url}"
listen = ["127.0.0.1:${inner}"]
data = "${folder}/data"
[mail]
from = "Example <no-reply@example.com>"
file = "${mails}"
[http]
trusted_proxies = ["127.0.0.1/32"]
[ses]
auto_approve = true
`,
  );
  const key = join(folder, "key.pem");
  const certificate = join(folder, "certificate.pem");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...subject], { stdio: "ignore" });

  const said = execFileSync(binary, ["init", "--config", config], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const credentials = {
    accessKeyId: said.match(/AWS_ACCESS_KEY_ID=(\S+)/)[1],
    secretAccessKey: said.match(/AWS_SECRET_ACCESS_KEY=(\S+)/)[1],
  };
  const server = spawn(binary, ["serve", "--config", config], { stdio: "ignore" });

  // What a front does: ends TLS, and passes on who asked for what.
  const front = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    const headers = { ...request.headers, "x-forwarded-for": request.socket.remoteAddress, "x-forwarded-host": request.headers.host };
    const inside = forward({ port: inner, host: "127.0.0.1", method: request.method, path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    inside.on("error", () => response.writeHead(502).end());
    request.pipe(inside);
  });
  front.listen(outer, "localhost");
  await once(front, "listening");
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${inner}/readyz`).catch(() => undefined);
    if (answer) break;
    await wait(100);
  }
  return {
    url,
    admin: new CognitoIdentityProvider({ endpoint: `http://127.0.0.1:${inner}`, region: "us-east-1", maxAttempts: 1, credentials }),
    async code(address) {
      for (let tries = 0; tries < 200; tries += 1) {
        const lines = existsSync(mails) ? readFileSync(mails, "utf8").trim().split("\n") : [];
        const mail = lines.filter(Boolean).map((line) => JSON.parse(line)).findLast((one) => JSON.stringify(one).includes(address));
        const code = mail && JSON.stringify(mail).match(/code is (\d{8})/);
        if (code) return code[1];
        await wait(50);
      }
      throw new Error(`no mail to ${address}`);
    },
    async stop() {
      front.closeAllConnections();
      front.close();
      server.kill();
      await once(server, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}
