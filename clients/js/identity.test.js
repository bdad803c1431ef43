// amazon-cognito-identity-js as an app uses it: SRP by default, refresh, and a new password in each way.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { AuthenticationDetails, CognitoUser, CognitoUserAttribute, CognitoUserPool } from "amazon-cognito-identity-js";
import { addUser, admin, freshAddress, makePool, newestCode, url } from "../postern.js";

const OLD = "Correct-horse-1";
const NEW = "Battery-staple-2";

let pool;
let userPool;
before(async () => {
  pool = await makePool({
    client: { ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] },
  });
  userPool = new CognitoUserPool({ UserPoolId: pool.id, ClientId: pool.client, endpoint: `${url}/` });
});

const person = (name) => new CognitoUser({ Username: name, Pool: userPool });

/** Signs in; answers the session, or what was asked instead. */
const signIn = (user, name, password) =>
  new Promise((done, failed) => {
    user.authenticateUser(new AuthenticationDetails({ Username: name, Password: password }), {
      onSuccess: (session) => done({ session }),
      onFailure: failed,
      newPasswordRequired: (attributes) => done({ attributes }),
    });
  });

/** Turns one of the library's functions with a callback for error and result into a promise. */
const ask = (user, name, ...given) =>
  new Promise((done, failed) => user[name](...given, (error, result) => (error ? failed(error) : done(result))));

test("a password is proven by SRP, and the session is renewed and ended", async () => {
  const email = await addUser(pool.id, { password: OLD });
  const user = person(email);
  const { session } = await signIn(user, email, OLD);
  assert.ok(session.isValid());
  assert.equal(session.getIdToken().payload.email, email);
  const renewed = await ask(user, "refreshSession", session.getRefreshToken());
  assert.ok(renewed.isValid());
  const attributes = await ask(user, "getUserAttributes");
  assert.equal(attributes.find((one) => one.getName() === "email").getValue(), email);
  await new Promise((onSuccess, onFailure) => user.globalSignOut({ onSuccess, onFailure }));
  await signIn(user, email, OLD);
});

test("a wrong password and somebody unknown fail alike", async () => {
  const email = await addUser(pool.id, { password: OLD });
  for (const name of [email, freshAddress("nobody")]) {
    await assert.rejects(signIn(person(name), name, "Wrong-horse-1"), {
      code: "NotAuthorizedException",
      message: "Incorrect username or password.",
    });
  }
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
  const user = person(email);
  const { attributes } = await signIn(user, email, OLD);
  assert.equal(attributes.email, email);
  const session = await new Promise((onSuccess, onFailure) =>
    user.completeNewPasswordChallenge(NEW, {}, { onSuccess, onFailure }),
  );
  assert.ok(session.isValid());
  assert.ok((await signIn(person(email), email, NEW)).session.isValid());
});

test("a password is changed, forgotten and set anew", async () => {
  const email = await addUser(pool.id, { password: OLD });
  const user = person(email);
  await signIn(user, email, OLD);
  assert.equal(await ask(user, "changePassword", OLD, NEW), "SUCCESS");
  await assert.rejects(signIn(person(email), email, OLD), { code: "NotAuthorizedException" });

  const forgetful = person(email);
  const sent = await new Promise((onSuccess, onFailure) => forgetful.forgotPassword({ onSuccess, onFailure }));
  assert.equal(sent.CodeDeliveryDetails.DeliveryMedium, "EMAIL");
  const code = await newestCode(email);
  await new Promise((onSuccess, onFailure) =>
    forgetful.confirmPassword(code, "Third-password-3", { onSuccess, onFailure }),
  );
  assert.ok((await signIn(person(email), email, "Third-password-3")).session.isValid());
});

test("somebody signs up with a password and confirms", async () => {
  const email = freshAddress();
  const attributes = [new CognitoUserAttribute({ Name: "email", Value: email })];
  const made = await ask(userPool, "signUp", email, OLD, attributes, []);
  assert.equal(made.userConfirmed, false);
  const user = person(email);
  assert.equal(await ask(user, "confirmRegistration", await newestCode(email), true), "SUCCESS");
  assert.ok((await signIn(user, email, OLD)).session.isValid());
});
