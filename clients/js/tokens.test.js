// Tokens hold before the verifier that AWS itself gives to apps.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { JwtRsaVerifier } from "aws-jwt-verify";
import { JwtInvalidSignatureError } from "aws-jwt-verify/error";
import { validateCognitoJwtFields } from "aws-jwt-verify/cognito-verifier";
import { addUser, app, makePool, newestCode, url } from "../postern.js";

let pool;
let tokens;
let jwks;

before(async () => {
  pool = await makePool();
  const email = await addUser(pool.id);
  const asked = await app.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" },
  });
  const signedIn = await app.respondToAuthChallenge({
    ClientId: pool.client,
    ChallengeName: "EMAIL_OTP",
    Session: asked.Session,
    ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE: await newestCode(email) },
  });
  tokens = signedIn.AuthenticationResult;
  jwks = await (await fetch(`${url}/${pool.id}/.well-known/jwks.json`)).json();
});

// The verifier's own fetcher speaks https only, so the keys are handed to it.
function verifier(tokenUse, clientId) {
  const made = JwtRsaVerifier.create({
    issuer: `${url}/${pool.id}`,
    audience: tokenUse === "id" ? clientId : null,
    customJwtCheck: ({ payload }) => validateCognitoJwtFields(payload, { tokenUse, clientId }),
  });
  made.cacheJwks(jwks);
  return made;
}

test("the ID token holds", async () => {
  const claims = await verifier("id", pool.client).verify(tokens.IdToken);
  assert.equal(claims.token_use, "id");
  assert.equal(claims.aud, pool.client);
});

test("the access token holds", async () => {
  const claims = await verifier("access", pool.client).verify(tokens.AccessToken);
  assert.equal(claims.client_id, pool.client);
});

test("one kind of token does not stand for the other, nor for another app", async () => {
  await assert.rejects(verifier("id", pool.client).verify(tokens.AccessToken));
  await assert.rejects(verifier("access", pool.client).verify(tokens.IdToken));
  await assert.rejects(verifier("id", "another-app").verify(tokens.IdToken));
});

test("a token with a changed claim does not hold", async () => {
  const [head, body, signature] = tokens.IdToken.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  const changed = Buffer.from(JSON.stringify({ ...claims, email: "boss@example.com" })).toString("base64url");
  const forged = [head, changed, signature].join(".");
  await assert.rejects(verifier("id", pool.client).verify(forged), JwtInvalidSignatureError);
});
