// Remembered devices as amazon-cognito-identity-js and Amplify v6 use them: confirmed by themselves, proven by SRP, and
// let go again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";
import { Amplify } from "aws-amplify";
import {
  confirmSignIn,
  fetchAuthSession,
  fetchDevices,
  forgetDevice,
  rememberDevice,
  setUpTOTP,
  signIn as amplifySignIn,
  signOut,
  updateMFAPreference,
  verifyTOTPSetup,
} from "aws-amplify/auth";
import { authenticatorCode } from "../authenticator.js";
import { addUser, admin, makePool, url } from "../postern.js";

const PASSWORD = "Correct-horse-1";
// Amplify names a device by what the browser says it is; Node says nothing before version 21.
globalThis.navigator ??= { userAgent: "Node" };

/** A pool that tracks devices, with authenticators for whoever wants one. */
async function poolWithDevices(onPrompt) {
  const flows = ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
  const DeviceConfiguration = { ChallengeRequiredOnNewDevice: true, DeviceOnlyRememberedOnUserPrompt: onPrompt };
  const pool = await makePool({ factors: ["PASSWORD"], pool: { DeviceConfiguration }, client: { ExplicitAuthFlows: flows } });
  await admin.setUserPoolMfaConfig({
    UserPoolId: pool.id,
    MfaConfiguration: "OPTIONAL",
    SoftwareTokenMfaConfiguration: { Enabled: true },
  });
  return pool;
}

const knownTo = (pool) => new CognitoUserPool({ UserPoolId: pool.id, ClientId: pool.client, endpoint: `${url}/` });

/** Signs in; answers the session, whether the device waits for a word, and whether a code was asked for. */
const signIn = (user, name, code) =>
  new Promise((done, failed) => {
    let asked = false;
    const callbacks = {
      onSuccess: (session, waits) => done({ session, waits, asked }),
      onFailure: failed,
      totpRequired: () => {
        asked = true;
        user.sendMFACode(code(), callbacks, "SOFTWARE_TOKEN_MFA");
      },
    };
    user.authenticateUser(new AuthenticationDetails({ Username: name, Password: PASSWORD }), callbacks);
  });

const settles = (user, name, ...given) =>
  new Promise((onSuccess, onFailure) => user[name](...given, { onSuccess, onFailure }));

const keyIn = (session) => session.getAccessToken().payload.device_key;

test("amazon-cognito-identity-js has a device remembered, proves it, and forgets it", async () => {
  const pool = await poolWithDevices(true);
  const userPool = knownTo(pool);
  const email = await addUser(pool.id, { password: PASSWORD });
  const person = () => new CognitoUser({ Username: email, Pool: userPool });
  const user = person();
  const first = await signIn(user, email);
  assert.equal(first.waits, true);
  assert.equal(await settles(user, "setDeviceStatusRemembered"), "SUCCESS");

  const again = person();
  const second = await signIn(again, email);
  assert.equal(second.waits, undefined);
  assert.equal(keyIn(second.session), keyIn(first.session));
  const { Devices } = await settles(again, "listDevices", 10, null);
  assert.deepEqual(Devices.map((device) => device.DeviceKey), [keyIn(first.session)]);
  assert.equal((await settles(again, "getDevice")).Device.DeviceKey, keyIn(first.session));
  const renewed = await new Promise((done, failed) =>
    again.refreshSession(second.session.getRefreshToken(), (error, result) => (error ? failed(error) : done(result))),
  );
  assert.ok(renewed.isValid());

  // Forgotten by an administrator: the library is told, and goes on as on a new device.
  await admin.adminForgetDevice({ UserPoolId: pool.id, Username: email, DeviceKey: keyIn(first.session) });
  const third = await signIn(person(), email);
  assert.notEqual(keyIn(third.session), keyIn(first.session));
});

test("amazon-cognito-identity-js is asked for a code once on a device", async () => {
  const pool = await poolWithDevices(false);
  const userPool = knownTo(pool);
  const email = await addUser(pool.id, { password: PASSWORD });
  const user = new CognitoUser({ Username: email, Pool: userPool });
  await signIn(user, email);
  const key = await new Promise((associateSecretCode, onFailure) =>
    user.associateSoftwareToken({ associateSecretCode, onFailure }),
  );
  await settles(user, "verifySoftwareToken", authenticatorCode(key), "phone");
  await new Promise((done, failed) =>
    user.setUserMfaPreference(null, { PreferredMfa: true, Enabled: true }, (error, result) =>
      error ? failed(error) : done(result),
    ),
  );
  const code = () => authenticatorCode(key, 1);
  assert.equal((await signIn(new CognitoUser({ Username: email, Pool: userPool }), email, code)).asked, true);
  for (const flow of ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"]) {
    const known = new CognitoUser({ Username: user.getUsername(), Pool: userPool });
    known.setAuthenticationFlowType(flow);
    assert.equal((await signIn(known, user.getUsername(), code)).asked, false, flow);
  }
});

test("Amplify is asked for a code once on a device, and lets it go", async () => {
  const pool = await poolWithDevices(true);
  Amplify.configure({
    Auth: { Cognito: { userPoolId: pool.id, userPoolClientId: pool.client, userPoolEndpoint: url } },
  });
  await signOut();
  const email = await addUser(pool.id, { password: PASSWORD });
  const byPassword = () => amplifySignIn({ username: email, password: PASSWORD });
  assert.ok((await byPassword()).isSignedIn);
  const { sharedSecret } = await setUpTOTP();
  await verifyTOTPSetup({ code: authenticatorCode(sharedSecret) });
  await updateMFAPreference({ totp: "PREFERRED" });
  await rememberDevice();
  const [device] = await fetchDevices();
  assert.equal((await fetchDevices()).length, 1);
  await signOut();

  // The device was there before the authenticator, so the code is asked for once.
  assert.equal((await byPassword()).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_TOTP_CODE");
  assert.ok((await confirmSignIn({ challengeResponse: authenticatorCode(sharedSecret, 1) })).isSignedIn);
  await signOut();
  assert.ok((await byPassword()).isSignedIn);
  const tokens = (await fetchAuthSession({ forceRefresh: true })).tokens;
  assert.equal(tokens.accessToken.payload.device_key, device.id);

  await forgetDevice();
  await signOut();
  assert.equal((await byPassword()).nextStep.signInStep, "CONFIRM_SIGN_IN_WITH_TOTP_CODE");
});
