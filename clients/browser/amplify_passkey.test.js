// Amplify's passkeys in a real browser, whose authenticator is a virtual one: made by an app of another origin, and used.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addUser, admin, makePool, newestCode, url } from "../postern.js";
import { serveApp } from "./app.js";
import { holder, startBrowser, stopBrowser } from "./browser.js";

const SOURCE = `
import { Amplify } from "aws-amplify";
import {
  associateWebAuthnCredential, confirmSignIn, deleteWebAuthnCredential, fetchAuthSession, listWebAuthnCredentials, signIn,
  signOut,
} from "aws-amplify/auth";
const settings = JSON.parse(localStorage.getItem("settings"));
if (settings) {
  Amplify.configure({ Auth: { Cognito: {
    userPoolId: settings.pool, userPoolClientId: settings.client, userPoolEndpoint: settings.url,
  } } });
  window.amplify = {
    associateWebAuthnCredential, confirmSignIn, deleteWebAuthnCredential, listWebAuthnCredentials, signOut,
    begins: (username, preferredChallenge) =>
      signIn({ username, options: { authFlowType: "USER_AUTH", preferredChallenge } }),
    claims: async () => (await fetchAuthSession()).tokens?.idToken.payload,
  };
}
`;

let app;
let pool;

before(async () => {
  await startBrowser();
  app = await serveApp(SOURCE);
  pool = await makePool({ factors: ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
  await admin.setUserPoolMfaConfig({
    UserPoolId: pool.id,
    WebAuthnConfiguration: { RelyingPartyId: "localhost", UserVerification: "preferred" },
  });
});
after(async () => {
  await stopBrowser();
  await app?.stop();
});

/** Somebody at the app; what they do is a call of Amplify by its name. */
async function user() {
  const one = await holder();
  await one.page.goto(app.origin);
  const settings = { pool: pool.id, client: pool.client, url };
  await one.page.evaluate((given) => localStorage.setItem("settings", JSON.stringify(given)), settings);
  await one.page.reload();
  await one.page.waitForFunction(() => window.amplify);
  const does = (name, ...given) =>
    one.page.evaluate(([called, inputs]) => window.amplify[called](...inputs), [name, given]);
  return { ...one, does };
}

test("a passkey is made after a code, signs in alone, and is worth nothing once it is removed", async () => {
  const { context, does, credentials } = await user();
  const email = await addUser(pool.id);
  const asked = await does("begins", email, "EMAIL_OTP");
  assert.equal(asked.nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_EMAIL_CODE");
  const signedIn = await does("confirmSignIn", { challengeResponse: await newestCode(email) });
  assert.equal(signedIn.isSignedIn, true);
  await does("associateWebAuthnCredential");
  const made = await does("listWebAuthnCredentials");
  assert.equal(made.credentials.length, 1);
  assert.equal(made.credentials[0].relyingPartyId, "localhost");
  assert.equal((await credentials()).length, 1);

  await does("signOut");
  assert.equal(await does("claims"), undefined);
  const again = await does("begins", email, "WEB_AUTHN");
  assert.equal(again.isSignedIn, true);
  assert.equal((await does("claims")).email, email);

  await does("deleteWebAuthnCredential", { credentialId: made.credentials[0].credentialId });
  await does("signOut");
  const gone = await does("begins", email, "WEB_AUTHN").catch(({ message }) => ({ isSignedIn: false, message }));
  assert.equal(gone.isSignedIn, false);
  assert.equal(await does("claims"), undefined);
  await context.close();
});

test("somebody else's passkey does not sign in", async () => {
  const { context, does } = await user();
  const [mallory, alice] = [await addUser(pool.id), await addUser(pool.id)];
  await does("begins", mallory, "EMAIL_OTP");
  await does("confirmSignIn", { challengeResponse: await newestCode(mallory) });
  await does("associateWebAuthnCredential");
  await does("signOut");
  const tried = await does("begins", alice, "WEB_AUTHN").catch(({ message }) => ({ isSignedIn: false, message }));
  assert.equal(tried.isSignedIn, false);
  assert.equal(await does("claims"), undefined);
  await context.close();
});
