// Amplify v6 with authenticators: set up on the way in or from within the app, asked for, and let go again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Amplify } from "aws-amplify";
import {
  confirmSignIn,
  fetchAuthSession,
  fetchMFAPreference,
  setUpTOTP,
  signIn,
  signOut,
  updateMFAPreference,
  verifyTOTPSetup,
} from "aws-amplify/auth";
import { authenticatorCode } from "../authenticator.js";
import { addUser, admin, makePool, url, wrong } from "../postern.js";

const PASSWORD = "Correct-Horse-7";

/** A pool of which Amplify knows, with authenticators, and somebody in it. */
async function somebodyIn(mode) {
  const flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
  const pool = await makePool({ factors: ["PASSWORD"], client: { ExplicitAuthFlows: flows } });
  await admin.setUserPoolMfaConfig({
    UserPoolId: pool.id,
    MfaConfiguration: mode,
    SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  Amplify.configure({
    Auth: { Cognito: { userPoolId: pool.id, userPoolClientId: pool.client, userPoolEndpoint: url } },
  });
  await signOut();
  return addUser(pool.id, { password: PASSWORD });
}

const byPassword = (username) =>
  signIn({ username, password: PASSWORD, options: { authFlowType: "USER_PASSWORD_AUTH" } });

test("where one is demanded, an authenticator is set up on the way in and then asked for", async () => {
  const email = await somebodyIn("ON");
  const { nextStep } = await byPassword(email);
  assert.equal(nextStep.signInStep, "CONTINUE_SIGN_IN_WITH_TOTP_SETUP");
  const key = nextStep.totpSetupDetails.sharedSecret;
  assert.match(nextStep.totpSetupDetails.getSetupUri("Shop").href, /^otpauth:\/\/totp\//);
  await assert.rejects(confirmSignIn({ challengeResponse: wrong(authenticatorCode(key)) }), {
    name: "EnableSoftwareTokenMFAException",
  });
  const done = await confirmSignIn({ challengeResponse: authenticatorCode(key) });
  assert.deepEqual([done.isSignedIn, done.nextStep.signInStep], [true, "DONE"]);
  await signOut();

  const again = await byPassword(email);
  assert.equal(again.nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_TOTP_CODE");
  const code = authenticatorCode(key, 1);
  await assert.rejects(confirmSignIn({ challengeResponse: wrong(code) }), {
    name: "CodeMismatchException",
    message: "Invalid code received for user",
  });
  assert.ok((await confirmSignIn({ challengeResponse: code })).isSignedIn);
  const { payload } = (await fetchAuthSession()).tokens.idToken;
  assert.deepEqual(payload.amr, ["pwd", "otp", "mfa"]);
});

test("an app sets an authenticator up, prefers it, and lets it go", async () => {
  const email = await somebodyIn("OPTIONAL");
  assert.ok((await byPassword(email)).isSignedIn);
  assert.deepEqual(await fetchMFAPreference(), { enabled: undefined, preferred: undefined });
  const { sharedSecret } = await setUpTOTP();
  await verifyTOTPSetup({ code: authenticatorCode(sharedSecret) });
  await updateMFAPreference({ totp: "PREFERRED" });
  assert.deepEqual(await fetchMFAPreference(), { enabled: ["TOTP"], preferred: "TOTP" });
  await signOut();

  assert.equal((await byPassword(email)).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_TOTP_CODE");
  assert.ok((await confirmSignIn({ challengeResponse: authenticatorCode(sharedSecret, 1) })).isSignedIn);
  await updateMFAPreference({ totp: "DISABLED" });
  await signOut();
  assert.ok((await byPassword(email)).isSignedIn);
});
