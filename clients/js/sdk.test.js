// The AWS SDK for JavaScript as an app uses it: unsigned, without credentials, refusals as classes.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import {
  CodeMismatchException,
  CognitoIdentityProvider,
  InvalidParameterException,
  NotAuthorizedException,
  ResourceNotFoundException,
  UserNotFoundException,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { AlreadyExistsException, MessageRejected, NotFoundException } from "@aws-sdk/client-sesv2";
import { addUser, admin, app, freshAddress, makePool, newestCode, newestMail, ses, url, wrong } from "../postern.js";

let pool;
before(async () => {
  pool = await makePool();
});

const begin = (name, more = { PREFERRED_CHALLENGE: "EMAIL_OTP" }) =>
  app.initiateAuth({ ClientId: pool.client, AuthFlow: "USER_AUTH", AuthParameters: { USERNAME: name, ...more } });

const answer = (asked, name, responses) =>
  app.respondToAuthChallenge({
    ClientId: pool.client,
    ChallengeName: asked.ChallengeName,
    Session: asked.Session,
    ChallengeResponses: { USERNAME: name, ...responses },
  });

test("a code signs in, and the tokens open the user's own data", async () => {
  const email = await addUser(pool.id);
  const asked = await begin(email);
  assert.equal(asked.ChallengeName, "EMAIL_OTP");
  assert.equal(asked.ChallengeParameters.CODE_DELIVERY_DELIVERY_MEDIUM, "EMAIL");
  const signedIn = await answer(asked, email, { EMAIL_OTP_CODE: await newestCode(email) });
  assert.deepEqual(signedIn.ChallengeParameters, {});
  const user = await app.getUser({ AccessToken: signedIn.AuthenticationResult.AccessToken });
  assert.equal(user.UserAttributes.find((one) => one.Name === "email").Value, email);
});

test("a wrong code is a CodeMismatchException and leaves the session as it was", async () => {
  const email = await addUser(pool.id);
  const asked = await begin(email);
  const code = await newestCode(email);
  await assert.rejects(answer(asked, email, { EMAIL_OTP_CODE: wrong(code) }), (error) => {
    assert.ok(error instanceof CodeMismatchException);
    assert.equal(error.message, "Invalid code or auth state for the user.");
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
    return true;
  });
  assert.ok((await answer(asked, email, { EMAIL_OTP_CODE: code })).AuthenticationResult);
  await assert.rejects(answer(asked, email, { EMAIL_OTP_CODE: code }), NotAuthorizedException);
});

test("a person who can use one factor is offered that one", async () => {
  const email = await addUser(pool.id);
  const asked = await begin(email, {});
  assert.equal(asked.ChallengeName, "SELECT_CHALLENGE");
  assert.deepEqual(asked.AvailableChallenges, ["EMAIL_OTP"]);
  const challenge = await answer(asked, email, { ANSWER: "EMAIL_OTP" });
  assert.equal(challenge.ChallengeName, "EMAIL_OTP");
  await assert.rejects(answer(await begin(email, {}), email, { ANSWER: "PASSWORD" }), InvalidParameterException);
});

test("signing up without a password ends signed in", async () => {
  const email = freshAddress();
  const attributes = [{ Name: "email", Value: email }];
  const made = await app.signUp({ ClientId: pool.client, Username: email, UserAttributes: attributes });
  assert.equal(made.UserConfirmed, false);
  const code = await newestCode(email);
  const confirmed = await app.confirmSignUp({ ClientId: pool.client, Username: email, ConfirmationCode: code });
  const { AuthenticationResult: tokens } = await app.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email },
    Session: confirmed.Session,
  });
  assert.equal((await app.getUser({ AccessToken: tokens.AccessToken })).Username, made.UserSub);
});

test("tokens are renewed, and end when they are revoked", async () => {
  const email = await addUser(pool.id);
  const asked = await begin(email);
  const { AuthenticationResult: tokens } = await answer(asked, email, { EMAIL_OTP_CODE: await newestCode(email) });
  const renew = () => app.getTokensFromRefreshToken({ ClientId: pool.client, RefreshToken: tokens.RefreshToken });
  assert.ok((await renew()).AuthenticationResult.AccessToken);
  await app.revokeToken({ ClientId: pool.client, Token: tokens.RefreshToken });
  await assert.rejects(renew(), (error) => {
    assert.ok(error instanceof NotAuthorizedException);
    assert.equal(error.message, "Refresh Token has been revoked");
    return true;
  });
  await assert.rejects(app.getUser({ AccessToken: tokens.AccessToken }), NotAuthorizedException);
});

test("refusals of the administrator's calls have their own classes", async () => {
  const email = await addUser(pool.id);
  await assert.rejects(addUser(pool.id, { email }), UsernameExistsException);
  await assert.rejects(admin.adminGetUser({ UserPoolId: pool.id, Username: freshAddress() }), UserNotFoundException);
  await assert.rejects(admin.describeUserPool({ UserPoolId: "us-east-1_000000000" }), ResourceNotFoundException);
});

test("a call that must be signed is refused without a key and with a wrong one", async () => {
  const place = { endpoint: url, region: "us-east-1", maxAttempts: 1 };
  const nobody = new CognitoIdentityProvider({
    ...place,
    credentials: { accessKeyId: "nobody", secretAccessKey: "test" },
  });
  await assert.rejects(nobody.listUserPools({ MaxResults: 1 }), { name: "UnrecognizedClientException" });
  const liar = new CognitoIdentityProvider({ ...place, credentials: { accessKeyId: "test", secretAccessKey: "lie" } });
  await assert.rejects(liar.listUserPools({ MaxResults: 1 }), { name: "InvalidSignatureException" });
});

test("dates are dates", async () => {
  const { UserPool } = await admin.describeUserPool({ UserPoolId: pool.id });
  assert.ok(UserPool.CreationDate instanceof Date);
  assert.ok(Math.abs(UserPool.CreationDate - new Date()) < 3_600_000);
});

test("SES speaks its own protocol, refusals included", async () => {
  const address = freshAddress("sender");
  assert.equal((await ses.createEmailIdentity({ EmailIdentity: address })).VerifiedForSendingStatus, false);
  await assert.rejects(ses.createEmailIdentity({ EmailIdentity: address }), AlreadyExistsException);
  const mail = {
    FromEmailAddress: address,
    Destination: { ToAddresses: [freshAddress("friend")] },
    Content: { Simple: { Subject: { Data: "Hello" }, Body: { Text: { Data: "Hello." } } } },
  };
  await assert.rejects(ses.sendEmail(mail), MessageRejected);
  const [link] = (await newestMail(address)).text.match(/https?:\S+\/ses\/verify\?\S+/);
  const token = new URL(link).searchParams.get("token");
  const pressed = await fetch(`${url}/ses/verify`, {
    method: "POST",
    headers: { Origin: url },
    body: new URLSearchParams({ token }),
  });
  assert.equal(pressed.status, 200);
  assert.ok((await ses.sendEmail(mail)).MessageId);
  assert.equal((await newestMail(mail.Destination.ToAddresses[0])).subject, "Hello");
  await ses.deleteEmailIdentity({ EmailIdentity: address });
  await assert.rejects(ses.getEmailIdentity({ EmailIdentity: address }), NotFoundException);
});

test("a browser app of another origin may call, and is told what it may read", async () => {
  const asked = "content-type,x-amz-target,x-amz-user-agent,cache-control,amz-sdk-invocation-id,amz-sdk-request";
  const preflight = await fetch(url, {
    method: "OPTIONS",
    headers: {
      Origin: "https://app.example.com",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": asked,
    },
  });
  assert.ok([200, 204].includes(preflight.status));
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  const allowed = preflight.headers.get("access-control-allow-headers").toLowerCase().split(/\s*,\s*/);
  for (const name of asked.split(",")) assert.ok(allowed.includes(name), name);

  const refused = await fetch(url, {
    method: "POST",
    headers: {
      Origin: "https://app.example.com",
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    },
    body: "{",
  });
  assert.equal(refused.headers.get("access-control-allow-origin"), "*");
  assert.match(refused.headers.get("access-control-expose-headers"), /x-amzn-errortype/i);
  assert.equal(refused.headers.get("x-amzn-errortype"), "SerializationException");
  assert.equal((await refused.json()).__type, "SerializationException");
});
