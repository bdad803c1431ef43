// Where a sign-in leaves our pages: apps whose callback leads on to yet another origin, apps with a scheme of their own,
// and sign-out. Browsers hold a page's form-action against the whole chain of redirects that its form sets off.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { addUser, admin, makePool, newestCode, url } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

/** A server that answers every request alike, on an origin of its own. */
async function serve(answer) {
  const server = createServer(answer);
  await new Promise((done) => server.listen(0, "localhost", done));
  return { origin: `http://localhost:${server.address().port}`, stop: () => new Promise((done) => server.close(done)) };
}

const SCHEME = "com.example.acme:/callback";
let home;
let app;
let idle;

before(async () => {
  await startBrowser();
  home = await serve((_, response) => response.setHeader("content-type", "text/html").end("<title>Home</title><h1>Home</h1>"));
  // It takes the answer, and shows its front page at once, which is elsewhere.
  app = await serve((request, response) => {
    request.resume();
    response.writeHead(302, { location: `${home.origin}/?from=${encodeURIComponent(request.method + request.url)}` }).end();
  });
  // It answers nothing at first, so that a browser stays where it is.
  let asked = 0;
  idle = await serve((_, response) => {
    asked += 1;
    response.writeHead(asked === 1 ? 204 : 302, { location: home.origin }).end();
  });
});
after(async () => {
  await stopBrowser();
  await Promise.all([app.stop(), home.stop(), idle.stop()]);
});

const verifier = randomBytes(32).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");

async function acme(callback, more = {}) {
  const pool = await makePool({
    client: {
      ClientName: "Acme",
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      CallbackURLs: [callback],
      LogoutURLs: [`${app.origin}/bye`],
    },
    ...more,
  });
  const start = (parameters = {}) => {
    const asked = new URLSearchParams({
      response_type: "code",
      client_id: pool.client,
      redirect_uri: callback,
      scope: "openid email",
      state: "s-1",
      code_challenge: challenge,
      code_challenge_method: "S256",
      ...parameters,
    });
    return `${url}/oauth2/authorize?${asked}`;
  };
  const redeem = async (code) => {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: pool.client,
      redirect_uri: callback,
      code,
      code_verifier: verifier,
    });
    return (await fetch(`${url}/oauth2/token`, { method: "POST", body })).json();
  };
  return { pool, start, redeem, email: await addUser(pool.id) };
}

async function signIn(page, email) {
  await isAt(page, "Sign in");
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What the app was asked before it led on to its front page. */
async function arrived(page) {
  await page.waitForURL(`${home.origin}/*`);
  await isAt(page, "Home");
  return new URL(page.url()).searchParams.get("from");
}

const codeIn = (asked) => new URLSearchParams(asked.split("?")[1]).get("code");

for (const scripts of [true, false]) {
  test(`an app may lead on to an origin of its own choice, ${scripts ? "with" : "without"} scripts`, async () => {
    const { start, redeem, email } = await acme(`${app.origin}/callback`);
    const { page, context } = await person({ scripts });
    await page.goto(start());
    await signIn(page, email);
    const asked = await arrived(page);
    assert.match(asked, /^GET\/callback\?code=/);
    const tokens = await redeem(codeIn(asked));
    assert.ok(tokens.id_token, JSON.stringify(tokens));
    // A step back asks nothing again and spends nothing: the app gets another code, and this one worked once.
    await page.goBack();
    const again = codeIn(await arrived(page));
    assert.notEqual(again, codeIn(asked));
    assert.equal((await redeem(codeIn(asked))).error, "invalid_grant");
    assert.ok((await redeem(again)).id_token);
    await context.close();
  });
}

test("the page in between has a way on for whom it does not lead by itself", async () => {
  const { start, email } = await acme(`${idle.origin}/callback`);
  const { page, context } = await person();
  await page.goto(start());
  await signIn(page, email);
  await isAt(page, "Back to Acme");
  await look(page, "onward");
  const link = page.getByRole("link", { name: "Continue" });
  assert.match(await link.getAttribute("href"), new RegExp(`^${idle.origin}/callback\\?code=`));
  await link.click();
  await isAt(page, "Home");
  await context.close();
});

test("an answer that is posted may be led on, too", async () => {
  const { start, email } = await acme(`${app.origin}/callback`);
  const { page, context } = await person();
  await page.goto(start({ response_mode: "form_post" }));
  await signIn(page, email);
  assert.equal(await arrived(page), "POST/callback");
  await context.close();
});

test("an app on a device gets its answer by its own scheme", async () => {
  const { start, redeem, email } = await acme(SCHEME);
  const { page, context } = await person();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  const left = new Promise((done) => {
    devtools.on("Network.requestWillBeSent", ({ request }) => request.url.startsWith(SCHEME) && done(request.url));
  });
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(start());
  await signIn(page, email);
  const tokens = await redeem(codeIn(await left));
  assert.ok(tokens.id_token, JSON.stringify(tokens));
  assert.deepEqual(complaints.filter((text) => text.includes("form-action")), []);
  await context.close();
});

test("a person who is asked before they are signed out is led on as well", async () => {
  const { pool, start, email } = await acme(`${app.origin}/callback`);
  const { page, context } = await person();
  await page.goto(start());
  await signIn(page, email);
  await arrived(page);
  await page.goto(`${url}/logout?${new URLSearchParams({ client_id: pool.client, post_logout_redirect_uri: `${app.origin}/bye`, state: "s-2" })}`);
  await isAt(page, "Do you want to sign out?");
  await page.getByRole("button", { name: "Sign out" }).click();
  assert.equal(await arrived(page), "GET/bye?state=s-2");
  await page.goto(start());
  await isAt(page, "Sign in");
  await context.close();
});

test("the same comes back from a provider, whose own pages end by a form", async () => {
  const corp = await makePool();
  const { UserPoolClient: there } = await admin.createUserPoolClient({
    UserPoolId: corp.id,
    ClientName: "Shop",
    GenerateSecret: true,
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email"],
    CallbackURLs: [`${url}/oauth2/idpresponse`],
  });
  const email = await addUser(corp.id);
  const { pool, start, redeem } = await acme(`${app.origin}/callback`);
  await admin.createIdentityProvider({
    UserPoolId: pool.id,
    ProviderName: "Corp",
    ProviderType: "OIDC",
    ProviderDetails: {
      client_id: there.ClientId,
      client_secret: there.ClientSecret,
      authorize_scopes: "openid email",
      oidc_issuer: `${url}/${corp.id}`,
      attributes_request_method: "GET",
    },
    AttributeMapping: { email: "email" },
  });
  const { UserPoolClient: described } = await admin.describeUserPoolClient({ UserPoolId: pool.id, ClientId: pool.client });
  const { CreationDate, LastModifiedDate, ...same } = described;
  await admin.updateUserPoolClient({ ...same, SupportedIdentityProviders: ["COGNITO", "Corp"] });
  const { page, context } = await person();
  await page.goto(start());
  await isAt(page, "Sign in");
  await page.getByRole("link", { name: "Continue with Corp" }).click();
  await page.getByText("Shop").first().waitFor();
  await signIn(page, email);
  const tokens = await redeem(codeIn(await arrived(page)));
  assert.ok(tokens.id_token, JSON.stringify(tokens));
  await context.close();
});
