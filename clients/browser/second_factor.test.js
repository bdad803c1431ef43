// Second factors on the pages: set up by a picture, asked for, chosen.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { authenticatorCode } from "../authenticator.js";
import { addUser, admin, app, demo, freshAddress, mails, makePool, newestCode, newestMail, ses, url, wrong } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser, tellsNothing } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const PASSWORD = "Correct-Horse-7";
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK = "http://localhost:9/called-back";

/** A pool that demands a second factor, and somebody in it who has a password. */
async function strictPool(mfa = { MfaConfiguration: "ON" }, settings = {}) {
  const client = {
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    AllowedOAuthFlows: ["code"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthScopes: ["openid", "aws.cognito.signin.user.admin"],
    CallbackURLs: [CALLBACK],
    SupportedIdentityProviders: ["COGNITO"],
  };
  const pool = await makePool({ factors: ["PASSWORD"], pool: settings, client });
  await admin.setUserPoolMfaConfig({
    UserPoolId: pool.id,
    SoftwareTokenMfaConfiguration: { Enabled: true },
    ...mfa,
  });
  return { ...pool, email: await addUser(pool.id, { password: PASSWORD }) };
}

async function givePassword(page, { client, email }) {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    scope: "openid",
    state: "s",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
  });
  await page.goto(`${url}/oauth2/authorize?${query}`);
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Presses a button and waits for the app's address, which answers nothing. */
async function leadsHome(page, press) {
  const home = page.waitForRequest((request) => request.url().startsWith(CALLBACK));
  await press();
  return new URL((await home).url());
}

for (const scripts of [true, false]) {
  test(`an authenticator is set up by a picture and then asked for, ${scripts ? "with" : "without"} scripts`, async () => {
    const pool = await strictPool();
    const { page, context } = await person({ scripts });
    await givePassword(page, pool);
    await isAt(page, "Set up a second step");
    await page.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
    const key = await page.locator(".key code").textContent();
    assert.equal(key.replaceAll(" ", "").length, 52);
    tellsNothing(page, key.slice(0, 4), pool.email);
    if (scripts) await look(page, "second-1-set-up");

    await page.getByLabel("Verification code").fill(wrong(authenticatorCode(key)));
    await page.getByRole("button", { name: "Save and sign in" }).click();
    await page.getByRole("alert").getByText("That code isn't right.").waitFor();
    if (scripts) await look(page, "second-2-set-up-wrong");
    const used = authenticatorCode(key);
    await page.getByLabel("Verification code").fill(used);
    const home = await leadsHome(page, () => page.getByRole("button", { name: "Save and sign in" }).click());
    assert.ok(home.searchParams.get("code"));
    await context.close();

    const again = await person({ scripts });
    await givePassword(again.page, pool);
    await isAt(again.page, "Enter your authenticator code");
    const field = again.page.getByLabel("Verification code");
    assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
    await field.fill(used);
    await again.page.getByRole("button", { name: "Sign in" }).click();
    await again.page.getByRole("alert").getByText("That code was used already.").waitFor();
    if (scripts) await look(again.page, "second-3-authenticator");
    // By keyboard alone.
    await field.focus();
    await again.page.keyboard.type(authenticatorCode(key, 1));
    const back = await leadsHome(again.page, () => again.page.keyboard.press("Enter"));
    assert.ok(back.searchParams.get("code"));
    await again.context.close();
  });
}

/** A sender of the pool's own, verified by the link in its mail. */
async function ownSender(page) {
  const sender = freshAddress("sender");
  await ses.createEmailIdentity({ EmailIdentity: sender });
  const { text } = await newestMail(sender);
  await page.goto(text.match(/https?:\S+\/ses\/verify\?\S+/)[0]);
  await page.getByRole("button").click();
  await isAt(page, "Email address confirmed");
  const { UserPool } = await admin.describeUserPool({ UserPoolId: demo.pool });
  const account = UserPool.Arn.split(":")[4];
  return {
    EmailSendingAccount: "DEVELOPER",
    SourceArn: `arn:aws:ses:us-east-1:${account}:identity/${sender}`,
  };
}

test("whoever has two second steps chooses one of them", async () => {
  const { page, context } = await person();
  const settings = { EmailConfiguration: await ownSender(page) };
  const pool = await strictPool({ MfaConfiguration: "OPTIONAL", EmailMfaConfiguration: {} }, settings);
  const { AuthenticationResult } = await app.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: pool.email, PASSWORD },
  });
  const { AccessToken } = AuthenticationResult;
  const { SecretCode } = await app.associateSoftwareToken({ AccessToken });
  await app.verifySoftwareToken({ AccessToken, UserCode: authenticatorCode(SecretCode) });
  const on = { Enabled: true };
  await app.setUserMFAPreference({ AccessToken, SoftwareTokenMfaSettings: on, EmailMfaSettings: on });

  const told = await newestMail(pool.email);
  assert.equal(told.subject, "A second step was added to your sign-in");
  await givePassword(page, pool);
  await isAt(page, "Choose a second step");
  await look(page, "second-4-choose");
  await page.getByRole("button", { name: "Email a code" }).click();
  await isAt(page, "Check your email");
  const code = await newestCode(pool.email, [told]);
  assert.match(code, /^\d{6}$/);
  // To the authenticator and back: the code that was sent stays good, and no other one is sent.
  await look(page, "second-5-email");
  await page.getByRole("link", { name: "Try another way" }).click();
  await isAt(page, "Choose a second step");
  await look(page, "second-6-change");
  await page.getByRole("button", { name: "Use your authenticator app" }).click();
  await isAt(page, "Enter your authenticator code");
  await look(page, "second-7-authenticator-or-another");
  await page.getByRole("link", { name: "Try another way" }).click();
  await page.getByRole("link", { name: "Back" }).click();
  await isAt(page, "Enter your authenticator code");
  await page.getByRole("link", { name: "Try another way" }).click();
  await page.getByRole("button", { name: "Email a code" }).click();
  await isAt(page, "Check your email");
  assert.equal((await mails(pool.email, { after: told.id })).length, 1);
  await page.getByLabel("Verification code").fill(code);
  const home = await leadsHome(page, () => page.getByRole("button", { name: "Sign in" }).click());
  assert.ok(home.searchParams.get("code"));
  await context.close();
});
