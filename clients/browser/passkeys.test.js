// Passkeys in a real browser, whose authenticator is a virtual one: offered, made, used by name and by autofill.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { addUser, admin, makePool, newestCode, url } from "../postern.js";
import { holder, isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

let app;
let settings;
let pool;

before(async () => {
  app = createServer((_request, answer) => answer.end("<!doctype html><title>App</title><h1>Back in the app</h1>"));
  await new Promise((done) => app.listen(0, "localhost", done));
  settings = {
    ClientName: "A shop",
    CallbackURLs: [callback()],
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email"],
    AllowedOAuthFlowsUserPoolClient: true,
    SupportedIdentityProviders: ["COGNITO"],
  };
  pool = await makePool({ factors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"], client: settings });
  await admin.setUserPoolMfaConfig({
    UserPoolId: pool.id,
    WebAuthnConfiguration: { RelyingPartyId: "localhost", UserVerification: "preferred" },
  });
  await startBrowser();
});
after(async () => {
  await stopBrowser();
  app.close();
});

const callback = () => `http://localhost:${app.address().port}/callback`;

function request({ client } = pool) {
  const verifier = randomBytes(48).toString("base64url");
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: callback(),
    scope: "openid email",
    state: "s",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  return { verifier, address: `${url}/oauth2/authorize?${parameters}` };
}

async function named(page, email) {
  await page.goto(request().address);
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
}

/** Signs in by code, up to the offer. */
async function offered(page, email) {
  await named(page, email);
  await isAt(page, "Check your email");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.getByRole("button", { name: "Sign in" }).click();
  await isAt(page, "Sign in faster next time");
}

test("a passkey is offered, made, and signs in by name, by button and by autofill", async () => {
  const email = await addUser(pool.id);
  const { page, context, foreign, credentials, presence } = await holder();
  await offered(page, email);
  await look(page, "30-add-passkey");
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await isAt(page, "Back in the app");
  const [made] = await credentials();
  assert.equal(made.rpId, "localhost");
  assert.equal(made.isResidentCredential, true);

  // By name: no autofill before the person is there.
  await presence(false);
  await context.clearCookies();
  await page.goto(request().address);
  await isAt(page, "Sign in");
  await look(page, "31-sign-in-with-passkeys");
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Use your passkey");
  await look(page, "32-use-passkey");
  await page.getByRole("link", { name: "Try another way" }).click();
  await isAt(page, "Choose how to sign in");
  await look(page, "33-choose-with-passkey");
  await page.getByRole("button", { name: /^Use a passkey/ }).click();
  await isAt(page, "Use your passkey");
  await presence(true);
  await page.getByRole("button", { name: "Continue" }).click();
  await isAt(page, "Back in the app");

  // By autofill: the browser has a passkey for this place, and the person takes it.
  await context.clearCookies();
  const { verifier, address } = request();
  await page.goto(address);
  await isAt(page, "Back in the app");
  const answer = await fetch(`${url}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: pool.client,
      redirect_uri: callback(),
      code: new URL(page.url()).searchParams.get("code"),
      code_verifier: verifier,
    }),
  });
  const { id_token: token } = await answer.json();
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  assert.equal(claims.email, email);
  assert.deepEqual(foreign.filter((address) => !address.startsWith(callback())), []);
  await context.close();
});

test("a passkey that is not there leads to another way", async () => {
  const email = await addUser(pool.id);
  const { page, context, forget } = await holder();
  await offered(page, email);
  await page.getByRole("button", { name: "Create a passkey" }).click();
  await isAt(page, "Back in the app");
  await forget();
  await context.clearCookies();
  await named(page, email);
  await isAt(page, "Use your passkey");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Nothing happened? Try again, or choose another way.").waitFor();
  await page.getByRole("link", { name: "Try another way" }).click();
  await page.getByRole("button", { name: /^Email a code/ }).click();
  await isAt(page, "Check your email");
  await context.close();
});

test("\"Not now\" is kept, and a browser without scripts is shown no passkeys", async () => {
  const email = await addUser(pool.id);
  const { page, context, forget } = await holder();
  await offered(page, email);
  await page.getByRole("button", { name: "Not now" }).click();
  await isAt(page, "Back in the app");
  const [later] = (await context.cookies()).filter(({ name }) => name === "postern-passkey-later");
  assert.ok(later.expires > Date.now() / 1000 + 29 * 86_400);
  await forget();
  await context.close();

  const plain = await person({ scripts: false });
  await plain.page.goto(request().address);
  await isAt(plain.page, "Sign in");
  assert.equal(await plain.page.getByRole("button", { name: "Sign in with a passkey" }).isVisible(), false);
  await plain.page.getByLabel("Email address").fill(email);
  await plain.page.getByRole("button", { name: "Next" }).click();
  await isAt(plain.page, "Check your email");
  await plain.context.close();
});

test("where no relying party is known the first page is opened once, and asks for a name", async () => {
  const bare = await makePool({ factors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"], client: settings });
  const email = await addUser(bare.id);
  const { page, context } = await holder();
  let opened = 0;
  page.on("load", () => (opened += 1));
  await page.goto(request(bare).address);
  await isAt(page, "Sign in");
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  assert.equal(opened, 2);
  await context.close();
});
