// A page of another origin that calls the API itself, as single-page apps do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { addUser, makePool, newestCode, url } from "../postern.js";
import { person, startBrowser, stopBrowser } from "./browser.js";

const PASSWORD = "Correct-horse-1";
const library = fileURLToPath(
  new URL("../node_modules/amazon-cognito-identity-js/dist/amazon-cognito-identity.min.js", import.meta.url),
);

let app;
let origin;
let pool;

before(async () => {
  app = createServer((request, answer) => {
    const isScript = request.url === "/identity.js";
    answer.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    answer.end(isScript ? readFileSync(library) : "<!doctype html><title>App</title><script src=/identity.js></script>");
  });
  await new Promise((done) => app.listen(0, "localhost", done));
  origin = `http://localhost:${app.address().port}`;
  pool = await makePool({
    client: { ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] },
  });
  await startBrowser();
});
after(async () => {
  await stopBrowser();
  app.close();
});

test("amazon-cognito-identity-js proves a password from a page", async () => {
  const email = await addUser(pool.id, { password: PASSWORD });
  const { page, context } = await person();
  await page.goto(origin);
  const signIn = (password) =>
    page.evaluate(
      ([given, name, secret]) =>
        new Promise((done) => {
          const { AuthenticationDetails, CognitoUser, CognitoUserPool } = window.AmazonCognitoIdentity;
          const Pool = new CognitoUserPool(given);
          const user = new CognitoUser({ Username: name, Pool });
          user.authenticateUser(new AuthenticationDetails({ Username: name, Password: secret }), {
            onSuccess: (session) => done(session.getIdToken().payload.email),
            onFailure: (error) => done(error.code),
          });
        }),
      [{ UserPoolId: pool.id, ClientId: pool.client, endpoint: `${url}/` }, email, password],
    );
  assert.equal(await signIn("Wrong-horse-1"), "NotAuthorizedException");
  assert.equal(await signIn(PASSWORD), email);
  await context.close();
});

test("the headers that Amplify sends pass, and a page may read what a refusal is called", async () => {
  const email = await addUser(pool.id);
  const { page, context } = await person();
  await page.goto(origin);
  const call = (operation, body) =>
    page.evaluate(
      async ([address, name, text]) => {
        const answer = await fetch(address, {
          method: "POST",
          cache: "no-store",
          headers: {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": `AWSCognitoIdentityProviderService.${name}`,
            "x-amz-user-agent": "aws-amplify/6 auth/1 framework/0",
            "cache-control": "no-store",
            "amz-sdk-invocation-id": crypto.randomUUID(),
            "amz-sdk-request": "attempt=1; max=3",
          },
          body: text,
        });
        return {
          kind: answer.headers.get("x-amzn-errortype"),
          request: answer.headers.get("x-amzn-requestid"),
          body: await answer.json(),
        };
      },
      [url, operation, JSON.stringify({ ClientId: pool.client, ...body })],
    );
  const AuthParameters = { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" };
  const { body: asked } = await call("InitiateAuth", { AuthFlow: "USER_AUTH", AuthParameters });
  assert.equal(asked.ChallengeName, "EMAIL_OTP");
  const answer = (code) =>
    call("RespondToAuthChallenge", {
      ChallengeName: "EMAIL_OTP",
      Session: asked.Session,
      ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE: code },
    });
  const refused = await answer("00000000x");
  assert.match(refused.kind, /^CodeMismatchException/);
  assert.match(refused.request, /^[0-9a-f-]{36}$/);
  const { body: signedIn } = await answer(await newestCode(email));
  assert.ok(signedIn.AuthenticationResult.AccessToken);
  await context.close();
});
