// Amplify v6 as an app uses it: SRP, USER_AUTH by mailed code and by password, sign-up that signs in, and recovery.

import assert from "node:assert/strict";
import { before, beforeEach, test } from "node:test";
import { Amplify } from "aws-amplify";
import {
  autoSignIn,
  confirmResetPassword,
  confirmSignIn,
  confirmSignUp,
  fetchAuthSession,
  fetchUserAttributes,
  getCurrentUser,
  resetPassword,
  signIn,
  signOut,
  signUp,
  updatePassword,
} from "aws-amplify/auth";
import { addUser, admin, freshAddress, makePool, newestCode, url, wrong } from "../postern.js";

const OLD = "Correct-horse-1";
const NEW = "Battery-staple-2";

let pool;
before(async () => {
  pool = await makePool({
    client: {
      ExplicitAuthFlows: [
        "ALLOW_USER_AUTH",
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
      ],
    },
  });
  Amplify.configure({
    Auth: { Cognito: { userPoolId: pool.id, userPoolClientId: pool.client, userPoolEndpoint: url } },
  });
});
beforeEach(() => signOut());

const byChoice = (more) => ({ authFlowType: "USER_AUTH", ...more });

test("a password is proven by SRP, the default", async () => {
  const email = await addUser(pool.id, { password: OLD });
  await assert.rejects(signIn({ username: email, password: "Wrong-horse-1" }), {
    name: "NotAuthorizedException",
    message: "Incorrect username or password.",
  });
  const { isSignedIn, nextStep } = await signIn({ username: email, password: OLD });
  assert.deepEqual([isSignedIn, nextStep.signInStep], [true, "DONE"]);
  assert.equal((await fetchUserAttributes()).email, email);
  const before = (await fetchAuthSession()).tokens.accessToken.toString();
  const after = (await fetchAuthSession({ forceRefresh: true })).tokens.accessToken.toString();
  assert.notEqual(before, after);
});

test("a password is sent where the app says so", async () => {
  const email = await addUser(pool.id, { password: OLD });
  const options = { authFlowType: "USER_PASSWORD_AUTH" };
  assert.ok((await signIn({ username: email, password: OLD, options })).isSignedIn);
});

test("a mailed code signs in, after a wrong one too", async () => {
  const email = await addUser(pool.id);
  const options = byChoice({ preferredChallenge: "EMAIL_OTP" });
  const { nextStep } = await signIn({ username: email, options });
  assert.equal(nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_EMAIL_CODE");
  assert.equal(nextStep.codeDeliveryDetails.deliveryMedium, "EMAIL");
  const code = await newestCode(email);
  await assert.rejects(confirmSignIn({ challengeResponse: wrong(code) }), { name: "CodeMismatchException" });
  assert.ok((await confirmSignIn({ challengeResponse: code })).isSignedIn);
  assert.equal((await getCurrentUser()).signInDetails.authFlowType, "USER_AUTH");
});

test("a factor is chosen: a code, a password, a proven password", async () => {
  const email = await addUser(pool.id, { password: OLD });
  const chosen = async (factor) => {
    await signOut();
    const { nextStep } = await signIn({ username: email, options: byChoice() });
    assert.equal(nextStep.signInStep, "CONTINUE_SIGN_IN_WITH_FIRST_FACTOR_SELECTION");
    assert.deepEqual([...nextStep.availableChallenges].sort(), ["EMAIL_OTP", "PASSWORD", "PASSWORD_SRP"]);
    return confirmSignIn({ challengeResponse: factor });
  };
  assert.equal((await chosen("EMAIL_OTP")).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_EMAIL_CODE");
  assert.ok((await confirmSignIn({ challengeResponse: await newestCode(email) })).isSignedIn);
  for (const factor of ["PASSWORD", "PASSWORD_SRP"]) {
    assert.equal((await chosen(factor)).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_PASSWORD");
    assert.ok((await confirmSignIn({ challengeResponse: OLD })).isSignedIn, factor);
  }
});

test("a preferred password is proven in one go", async () => {
  const email = await addUser(pool.id, { password: OLD });
  for (const preferredChallenge of ["PASSWORD_SRP", "PASSWORD"]) {
    await signOut();
    const options = byChoice({ preferredChallenge });
    assert.ok((await signIn({ username: email, password: OLD, options })).isSignedIn, preferredChallenge);
  }
});

test("signing up without a password signs in by itself", async () => {
  const email = freshAddress();
  const made = await signUp({
    username: email,
    options: { userAttributes: { email }, autoSignIn: { authFlowType: "USER_AUTH" } },
  });
  assert.equal(made.nextStep.signUpStep, "CONFIRM_SIGN_UP");
  const confirmed = await confirmSignUp({ username: email, confirmationCode: await newestCode(email) });
  assert.equal(confirmed.nextStep.signUpStep, "COMPLETE_AUTO_SIGN_IN");
  assert.ok((await autoSignIn()).isSignedIn);
  assert.equal((await fetchUserAttributes()).email, email);
});

test("a temporary password is replaced on the way in", async () => {
  const email = freshAddress();
  await admin.adminCreateUser({
    UserPoolId: pool.id,
    Username: email,
    TemporaryPassword: OLD,
    MessageAction: "SUPPRESS",
    UserAttributes: [{ Name: "email", Value: email }],
  });
  const { nextStep } = await signIn({ username: email, password: OLD });
  assert.equal(nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED");
  assert.ok((await confirmSignIn({ challengeResponse: NEW })).isSignedIn);
});

test("a password is changed, forgotten and set anew", async () => {
  const email = await addUser(pool.id, { password: OLD });
  await signIn({ username: email, password: OLD });
  await updatePassword({ oldPassword: OLD, newPassword: NEW });
  assert.equal((await fetchUserAttributes()).email, email);
  await signOut();
  const { nextStep } = await resetPassword({ username: email });
  assert.equal(nextStep.resetPasswordStep, "CONFIRM_RESET_PASSWORD_WITH_CODE");
  const confirmationCode = await newestCode(email);
  await assert.rejects(
    confirmResetPassword({ username: email, confirmationCode: wrong(confirmationCode), newPassword: OLD }),
    { name: "CodeMismatchException", message: "Invalid verification code provided, please try again." },
  );
  await confirmResetPassword({ username: email, confirmationCode, newPassword: "Third-password-3" });
  assert.ok((await signIn({ username: email, password: "Third-password-3" })).isSignedIn);
});
