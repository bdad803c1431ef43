// Signing up by a link in a mail: opened by a scanner first, then by the person, anywhere.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { admin, app, freshAddress, makePool, newestMail, url } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser, tellsNothing } from "./browser.js";

const CALLBACK = `${url}/demo/callback`;

let pool;
before(async () => {
  await startBrowser();
  pool = await makePool({
    pool: { VerificationMessageTemplate: { DefaultEmailOption: "CONFIRM_WITH_LINK" } },
    client: {
      ClientName: "Acme",
      CallbackURLs: [CALLBACK],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid"],
      SupportedIdentityProviders: ["COGNITO"],
    },
  });
});
after(stopBrowser);

const linkIn = (mail) => mail.text.match(/http\S+\/confirmUser\?\S+/)[0];

for (const scripts of [true, false]) {
  test(`a link is pressed once, ${scripts ? "with" : "without"} scripts`, async () => {
    const email = freshAddress();
    await app.signUp({ ClientId: pool.client, Username: email, UserAttributes: [{ Name: "email", Value: email }] });
    const link = linkIn(await newestMail(email));
    // A scanner that runs scripts opens the link, and sends no form.
    const scanner = await person();
    await scanner.page.goto(link);
    await isAt(scanner.page, "Confirm your account");
    assert.deepEqual(await scanner.context.cookies(), []);

    const { page, context, foreign } = await person({ scripts });
    await page.goto(link);
    await isAt(page, "Confirm your account");
    if (scripts) await look(page, "link-1-asked");
    await page.getByRole("button", { name: "Confirm account" }).click();
    await isAt(page, "Your account is confirmed");
    tellsNothing(page, email, "confirmation_code");
    if (scripts) await look(page, "link-2-confirmed");
    const { UserStatus } = await admin.adminGetUser({ UserPoolId: pool.id, Username: email });
    assert.equal(UserStatus, "CONFIRMED");
    assert.ok(!(await context.cookies()).some(({ name }) => name.includes("session")));

    await page.goto(link);
    await page.getByRole("button", { name: "Confirm account" }).click();
    await isAt(page, "This link has expired");
    if (scripts) await look(page, "link-3-expired");
    assert.deepEqual(foreign, []);
  });
}

test("the browser that signed up waits for the link, and goes on", async () => {
  const email = freshAddress();
  const { page } = await person();
  const asked = new URLSearchParams({
    client_id: pool.client,
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  });
  await page.goto(`${url}/signup?${asked}`);
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Create account" }).click();
  await isAt(page, "Check your email");
  await page.getByText("We sent a link to").waitFor();
  tellsNothing(page, email);
  await look(page, "link-4-waits");
  const link = linkIn(await newestMail(email));
  const elsewhere = await person();
  await elsewhere.page.goto(link);
  await elsewhere.page.getByRole("button", { name: "Confirm account" }).click();
  await isAt(elsewhere.page, "Your account is confirmed");
  const before = await newestMail(email);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByLabel("Verification code").fill((await newestMail(email, [before])).code);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((address) => address.href.startsWith(CALLBACK) && address.searchParams.has("code"));
});
