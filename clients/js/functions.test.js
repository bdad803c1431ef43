// Triggers as AWS documents them: handlers in a runtime that speaks the Invoke API, and the SDK that meets what they do.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import {
  InvalidLambdaResponseException,
  UserLambdaValidationException,
} from "@aws-sdk/client-cognito-identity-provider";
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from "amazon-cognito-identity-js";
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier, buildDecrypt } from "@aws-crypto/client-node";
import { lambda } from "../lambda.js";
import { addUser, app, freshAddress, makePool, newestCode, newestMail, url } from "../postern.js";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/test";
const arn = (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
const sent = [];
let functions;

// The handlers of the Developer Guide, but for their words.
const handlers = {
  "pre-sign-up": (event, context, callback) => {
    if (event.request.userAttributes.email.endsWith("@blocked.example")) {
      return callback(new Error("Cannot register users with this domain"), event);
    }
    event.response.autoConfirmUser = true;
    event.response.autoVerifyEmail = true;
    callback(null, event);
  },
  "pre-token-generation": async (event) => {
    event.response = {
      claimsAndScopeOverrideDetails: {
        idTokenGeneration: { claimsToAddOrOverride: { family_name: "Doe" }, claimsToSuppress: ["email"] },
        accessTokenGeneration: { scopesToAdd: ["openid", "solar-system-data/read"] },
      },
    };
    return event;
  },
  "custom-message": async (event) => {
    if (event.triggerSource === "CustomMessage_Authentication") {
      event.response.emailSubject = "Your way in";
      event.response.emailMessage = `Here it is: ${event.request.codeParameter}`;
    }
    return event;
  },
  // "Use SRP password verification in a custom authentication flow": a password first, then the pool's own challenge.
  "define-auth-challenge": async (event) => {
    const { session } = event.request;
    const last = session.at(-1);
    event.response = { issueTokens: false, failAuthentication: false };
    if (session.length === 1 && last.challengeName === "SRP_A") {
      event.response.challengeName = "PASSWORD_VERIFIER";
    } else if (session.length === 2 && last.challengeName === "PASSWORD_VERIFIER" && last.challengeResult) {
      event.response.challengeName = "CUSTOM_CHALLENGE";
    } else if (session.length === 3 && last.challengeName === "CUSTOM_CHALLENGE" && last.challengeResult) {
      event.response.issueTokens = true;
    } else {
      event.response.failAuthentication = true;
    }
    return event;
  },
  "create-auth-challenge": async (event) => {
    event.response.publicChallengeParameters = { captchaUrl: "url/123.jpg" };
    event.response.privateChallengeParameters = { answer: "5" };
    event.response.challengeMetadata = "CAPTCHA_CHALLENGE";
    return event;
  },
  "verify-auth-challenge": async (event) => {
    event.response.answerCorrect = event.request.privateChallengeParameters.answer === event.request.challengeAnswer;
    return event;
  },
  "nonsense": async () => "hello",
  "custom-email-sender": async (event) => {
    sent.push(event);
  },
};

before(async () => {
  functions = lambda(handlers).listen(Number(process.env.POSTERN_FUNCTIONS_PORT), "127.0.0.1");
  await once(functions, "listening");
});
after(() => functions.close());

const signUp = (pool, email) =>
  app.signUp({
    ClientId: pool.client,
    Username: email,
    Password: "Correct1!",
    UserAttributes: [{ Name: "email", Value: email }],
  });

const begin = (pool, email) =>
  app.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" },
  });

const answer = (pool, asked, email, code) =>
  app.respondToAuthChallenge({
    ClientId: pool.client,
    ChallengeName: asked.ChallengeName,
    Session: asked.Session,
    ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE: code },
  });

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

test("a handler confirms users at once, and keeps some out", async () => {
  const pool = await makePool({ pool: { LambdaConfig: { PreSignUp: arn("pre-sign-up") } } });
  assert.equal((await signUp(pool, freshAddress())).UserConfirmed, true);
  await assert.rejects(signUp(pool, "somebody@blocked.example"), (error) => {
    assert.ok(error instanceof UserLambdaValidationException);
    assert.equal(error.message, "PreSignUp failed with error Cannot register users with this domain.");
    return true;
  });
});

test("handlers choose the words of a mail and the claims of tokens", async () => {
  const LambdaConfig = {
    CustomMessage: arn("custom-message"),
    PreTokenGenerationConfig: { LambdaVersion: "V2_0", LambdaArn: arn("pre-token-generation") },
  };
  const pool = await makePool({ pool: { LambdaConfig } });
  const email = await addUser(pool.id);
  const asked = await begin(pool, email);
  const mail = await newestMail(email);
  assert.equal(mail.subject, "Your way in");
  const { AuthenticationResult } = await answer(pool, asked, email, mail.code);
  const id = claims(AuthenticationResult.IdToken);
  assert.equal(id.family_name, "Doe");
  assert.equal(id.email, undefined);
  assert.deepEqual(claims(AuthenticationResult.AccessToken).scope.split(" ").sort(), [
    "aws.cognito.signin.user.admin",
    "openid",
    "solar-system-data/read",
  ]);
});

test("an answer that is no event is an InvalidLambdaResponseException", async () => {
  const pool = await makePool({ pool: { LambdaConfig: { PostAuthentication: arn("nonsense") } } });
  const email = await addUser(pool.id);
  const asked = await begin(pool, email);
  await assert.rejects(answer(pool, asked, email, await newestCode(email)), InvalidLambdaResponseException);
});

test("a custom sender opens its codes with the AWS Encryption SDK", async () => {
  const LambdaConfig = {
    CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arn("custom-email-sender") },
    KMSKeyID: KEY,
  };
  const pool = await makePool({ pool: { LambdaConfig } });
  const email = await addUser(pool.id);
  const asked = await begin(pool, email);
  for (let tries = 0; sent.length === 0 && tries < 100; tries += 1) await new Promise((go) => setTimeout(go, 50));
  const [event] = sent;
  assert.equal(event.triggerSource, "CustomEmailSender_Authentication");
  const keyring = new RawAesKeyringNode({
    keyNamespace: "postern",
    keyName: KEY,
    unencryptedMasterKey: new Uint8Array(32).fill(0x74),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const { plaintext, messageHeader } = await buildDecrypt().decrypt(keyring, event.request.code, { encoding: "base64" });
  assert.equal(messageHeader.encryptionContext["userpool-id"], pool.id);
  assert.ok((await answer(pool, asked, email, plaintext.toString())).AuthenticationResult);
});

test("amazon-cognito-identity-js proves a password before the pool's own challenge", async () => {
  const LambdaConfig = {
    DefineAuthChallenge: arn("define-auth-challenge"),
    CreateAuthChallenge: arn("create-auth-challenge"),
    VerifyAuthChallengeResponse: arn("verify-auth-challenge"),
  };
  const ExplicitAuthFlows = ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
  const pool = await makePool({ pool: { LambdaConfig }, client: { ExplicitAuthFlows } });
  const Password = "Correct-horse-1";
  const Username = await addUser(pool.id, { password: Password });
  const Pool = new CognitoUserPool({ UserPoolId: pool.id, ClientId: pool.client, endpoint: `${url}/` });
  const signIn = (password, answer) =>
    new Promise((done, failed) => {
      const user = new CognitoUser({ Username, Pool });
      user.setAuthenticationFlowType("CUSTOM_AUTH");
      const callbacks = {
        onSuccess: (session) => done({ session, asked: callbacks.asked }),
        onFailure: failed,
        customChallenge: (asked) => {
          callbacks.asked = asked;
          user.sendCustomChallengeAnswer(answer, callbacks);
        },
      };
      user.authenticateUser(new AuthenticationDetails({ Username, Password: password }), callbacks);
    });
  const { session, asked } = await signIn(Password, "5");
  assert.equal(asked.captchaUrl, "url/123.jpg");
  assert.equal(session.getIdToken().payload.email, Username);
  const wrong = { code: "NotAuthorizedException", message: "Incorrect username or password." };
  await assert.rejects(signIn(Password, "6"), wrong);
  await assert.rejects(signIn("Wrong-horse-1", "5"), wrong);
});
