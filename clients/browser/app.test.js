// An app of its own in front of the pages: authorization code with PKCE, sign-up, and requests that are wrong.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { JwtRsaVerifier } from "aws-jwt-verify";
import { addUser, freshAddress, mails, makePool, newestCode, url } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

let app;
let callback;
let pool;

before(async () => {
  app = createServer((_request, answer) => answer.end("<!doctype html><title>App</title><h1>Back in the app</h1>"));
  await new Promise((done) => app.listen(0, "localhost", done));
  callback = `http://localhost:${app.address().port}/callback`;
  pool = await makePool({ client: shop() });
  await startBrowser();
});
after(async () => {
  await stopBrowser();
  app.close();
});

const shop = () => ({
  ClientName: "A shop",
  CallbackURLs: [callback],
  LogoutURLs: [callback],
  AllowedOAuthFlows: ["code"],
  AllowedOAuthScopes: ["openid", "email"],
  AllowedOAuthFlowsUserPoolClient: true,
  SupportedIdentityProviders: ["COGNITO"],
});

function request(more = {}) {
  const verifier = randomBytes(48).toString("base64url");
  const parameters = {
    response_type: "code",
    client_id: pool.client,
    redirect_uri: callback,
    scope: "openid email",
    state: randomBytes(8).toString("hex"),
    nonce: randomBytes(8).toString("hex"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...more,
  };
  const named = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return { verifier, parameters, address: `${url}/oauth2/authorize?${new URLSearchParams(named)}` };
}

const exchange = (code, verifier, more = {}) =>
  fetch(`${url}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: pool.client,
      redirect_uri: callback,
      code,
      code_verifier: verifier,
      ...more,
    }),
  });

/** Signs in on the pages; answers what the app was sent back with. */
async function signIn(page, email, asked) {
  await page.goto(asked.address);
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.getByRole("button", { name: "Sign in" }).click();
  await isAt(page, "Back in the app");
  return new URL(page.url()).searchParams;
}

test("a code goes to the app, once, and becomes tokens that hold", async () => {
  const { page, context } = await person();
  const asked = request();
  const email = await addUser(pool.id);
  const sent = await signIn(page, email, asked);
  assert.equal(sent.get("state"), asked.parameters.state);
  assert.equal(sent.get("iss"), `${url}/${pool.id}`);

  const answer = await exchange(sent.get("code"), asked.verifier);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  assert.match(answer.headers.get("cache-control"), /no-store/);
  const tokens = await answer.json();
  assert.equal(tokens.token_type, "Bearer");
  assert.equal(tokens.expires_in, 3600);
  const verifier = JwtRsaVerifier.create({ issuer: `${url}/${pool.id}`, audience: pool.client });
  verifier.cacheJwks(await (await fetch(`${url}/${pool.id}/.well-known/jwks.json`)).json());
  const claims = await verifier.verify(tokens.id_token);
  assert.equal(claims.email, email);
  assert.equal(claims.nonce, asked.parameters.nonce);

  const shown = await fetch(`${url}/oauth2/userInfo`, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  assert.equal((await shown.json()).email, email);

  const renewed = await fetch(`${url}/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      client_id: pool.client,
      refresh_token: tokens.refresh_token,
    }),
  });
  assert.ok((await renewed.json()).access_token);

  const again = await exchange(sent.get("code"), asked.verifier);
  assert.equal(again.status, 400);
  assert.equal((await again.json()).error, "invalid_grant");
  const revoked = await fetch(`${url}/oauth2/userInfo`, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(revoked.status, 401);
  await context.close();
});

test("a stolen code is of no use without the verifier", async () => {
  const { page, context } = await person();
  const asked = request();
  const sent = await signIn(page, await addUser(pool.id), asked);
  const stolen = await exchange(sent.get("code"), randomBytes(48).toString("base64url"));
  assert.equal(stolen.status, 400);
  assert.equal((await stolen.json()).error, "invalid_grant");
  await context.close();
});

test("a new person signs up on the page and is in the app, with no password", async () => {
  const email = freshAddress("new");
  const { page, context } = await person();
  const asked = request();
  await page.goto(asked.address);
  await page.getByRole("link", { name: "Create an account" }).click();
  await isAt(page, "Create an account");
  await look(page, "10-sign-up");
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Create account" }).click();
  await isAt(page, "Confirm your account");
  await look(page, "11-confirm");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.keyboard.press("Enter");
  await isAt(page, "Back in the app");
  const sent = new URL(page.url()).searchParams;
  assert.equal((await exchange(sent.get("code"), asked.verifier)).status, 200);
  await context.close();
});

test("two tabs do not spoil each other", async () => {
  const [alice, bob] = [await addUser(pool.id), await addUser(pool.id)];
  const { page, context } = await person();
  const other = await context.newPage();
  const tabs = [
    { page, name: alice, asked: request() },
    { page: other, name: bob, asked: request({ prompt: "login" }) },
  ];
  for (const { page: tab, name, asked } of tabs) {
    await tab.goto(asked.address);
    await tab.getByLabel("Email address").fill(name);
    await tab.getByRole("button", { name: "Next" }).click();
    await isAt(tab, "Check your email");
  }
  for (const { page: tab, name, asked } of tabs) {
    await tab.getByLabel("Verification code").fill(await newestCode(name));
    await tab.getByRole("button", { name: "Sign in" }).click();
    await isAt(tab, "Back in the app");
    const sent = new URL(tab.url()).searchParams;
    assert.equal(sent.get("state"), asked.parameters.state);
    const { id_token: token } = await (await exchange(sent.get("code"), asked.verifier)).json();
    const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    assert.equal(claims.email, name);
  }
  await context.close();
});

test("an unknown name sees the same page, and no mail is sent", async () => {
  const codesOnly = await makePool({ factors: ["EMAIL_OTP"], client: shop() });
  const unknown = freshAddress();
  const seen = [];
  for (const email of [await addUser(codesOnly.id), unknown]) {
    const { page, context } = await person();
    const statuses = [];
    page.on("response", (response) => statuses.push(response.status()));
    const words = async () => (await page.getByRole("main").innerText()).replaceAll(email, "NAME");
    await page.goto(request({ client_id: codesOnly.client }).address);
    await page.getByLabel("Email address").fill(email);
    await page.getByRole("button", { name: "Next" }).click();
    await isAt(page, "Check your email");
    const first = await words();
    await page.getByLabel("Verification code").fill("00000000");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    seen.push({ first, second: await words(), title: await page.title(), statuses });
    await context.close();
  }
  assert.deepEqual(seen[1], seen[0]);
  assert.equal((await mails(unknown)).length, 0);
});

test("prompt=none shows no page", async () => {
  const { page, context } = await person();
  await page.goto(request({ prompt: "none" }).address);
  await isAt(page, "Back in the app");
  assert.equal(new URL(page.url()).searchParams.get("error"), "login_required");
  await context.close();
});

test("an app that sends no challenge is told which setting rules", async () => {
  const { page, context } = await person();
  await page.goto(request({ code_challenge: undefined, code_challenge_method: undefined }).address);
  await isAt(page, "Back in the app");
  const sent = new URL(page.url()).searchParams;
  assert.equal(sent.get("error"), "invalid_request");
  assert.ok(sent.get("error_description").includes("oauth.pkce"));
  await context.close();
});

test("an address that is not allowed is shown, never gone to", async () => {
  const { page, context, foreign } = await person();
  await page.goto(request({ redirect_uri: `${callback}/` }).address);
  await isAt(page, "The app sent an address that isn't allowed.");
  await look(page, "12-address-not-allowed");
  await page.goto(request({ redirect_uri: "https://evil.example/" }).address);
  await isAt(page, "The app sent an address that isn't allowed.");
  assert.deepEqual(foreign, []);
  await context.close();
});

test("an unknown app is told so", async () => {
  const { page, context } = await person();
  await page.goto(request({ client_id: "1234567890abcdefghijklmnop" }).address);
  await isAt(page, "This app isn't set up here.");
  await look(page, "13-unknown-app");
  await context.close();
});

test("signing out forgets the browser and goes back only to allowed addresses", async () => {
  const { page, context, foreign } = await person();
  await signIn(page, await addUser(pool.id), request());
  await page.goto(request().address);
  await isAt(page, "Back in the app");
  const out = (to) => `${url}/logout?${new URLSearchParams({ client_id: pool.client, logout_uri: to })}`;
  await page.goto(out(callback));
  await isAt(page, "Back in the app");
  await page.goto(request().address);
  await isAt(page, "Sign in");
  foreign.length = 0;
  await page.goto(out("https://evil.example/"));
  assert.deepEqual(foreign, []);
  await context.close();
});
