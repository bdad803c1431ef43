// Signing in elsewhere, at a real browser: the button, the other pool's pages as the provider, and back to the app.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { addUser, admin, makePool, newestCode, url } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser, tellsNothing } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const CALLBACK = `${url}/demo/signed-out`;
const oauth = { AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: ["code"], AllowedOAuthScopes: ["openid", "email"] };

/** A pool whose people may come from another one, and an address of somebody there. */
async function shop(names, takes = ["COGNITO", ...names]) {
  const corp = await makePool();
  const email = await addUser(corp.id);
  const pool = await makePool();
  const { UserPoolClient: there } = await admin.createUserPoolClient({
    UserPoolId: corp.id,
    ClientName: "Shop",
    GenerateSecret: true,
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    CallbackURLs: [`${url}/oauth2/idpresponse`],
    ...oauth,
  });
  for (const name of names) {
    await admin.createIdentityProvider({
      UserPoolId: pool.id,
      ProviderName: name,
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
  }
  const { UserPoolClient } = await admin.createUserPoolClient({
    UserPoolId: pool.id,
    ClientName: "Acme",
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    SupportedIdentityProviders: takes,
    CallbackURLs: [CALLBACK],
    ...oauth,
  });
  const verifier = randomBytes(32).toString("base64url");
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: UserPoolClient.ClientId,
    redirect_uri: CALLBACK,
    scope: "openid email",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const redeem = async (code) => {
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: UserPoolClient.ClientId,
      redirect_uri: CALLBACK,
      code,
      code_verifier: verifier,
    });
    const tokens = await (await fetch(`${url}/oauth2/token`, { method: "POST", body })).json();
    return JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
  };
  return { email, start: `${url}/oauth2/authorize?${asked}`, redeem };
}

for (const scripts of [true, false]) {
  test(`a person goes on with their company's account, ${scripts ? "with" : "without"} scripts`, async () => {
    const { email, start, redeem } = await shop(["Corp"]);
    const { page, context, foreign } = await person({ scripts });
    await page.goto(start);
    await isAt(page, "Sign in");
    if (scripts) await look(page, "providers-1-choose");
    await page.getByRole("link", { name: "Continue with Corp" }).click();
    await page.getByText("Shop").first().waitFor();
    await page.getByLabel("Email address").fill(email);
    await page.getByRole("button", { name: "Next" }).click();
    await isAt(page, "Check your email");
    await page.getByLabel("Verification code").fill(await newestCode(email));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${CALLBACK}?code=*`);
    const claims = await redeem(new URL(page.url()).searchParams.get("code"));
    assert.equal(claims.email, email);
    assert.match(claims["cognito:username"], /^Corp_/);
    tellsNothing(page, email);
    assert.deepEqual(foreign, []);
    await context.close();
  });
}

test("an app without people of its own only shows where to go", async () => {
  const { start } = await shop(["Corp", "Partner"], ["Corp", "Partner"]);
  const { page, context } = await person();
  await page.goto(start);
  await isAt(page, "Sign in");
  assert.equal(await page.getByRole("textbox").count(), 0);
  await page.getByRole("link", { name: "Continue with Partner" }).waitFor();
  await look(page, "providers-2-only");
  await context.close();
});
