// OpenID Connect libraries as apps on a server use them: openid-client, and Auth.js with its Cognito provider.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Auth } from "@auth/core";
import Cognito from "@auth/core/providers/cognito";
import * as openid from "openid-client";
import { addUser, admin, makePool, url } from "../postern.js";
import { Jar, leadsTo, signIn } from "./pages.js";

const CALLBACK = "http://localhost:3999/callback";
const AUTH_CALLBACK = "http://localhost:3999/auth/callback/cognito";
const SIGNED_OUT = "http://localhost:3999/bye";

const oauth = {
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code"],
  AllowedOAuthScopes: ["openid", "email", "profile"],
  CallbackURLs: [CALLBACK, AUTH_CALLBACK],
  LogoutURLs: [SIGNED_OUT],
};

let pool;
let email;
let confidential;

before(async () => {
  pool = await makePool({ client: oauth });
  email = await addUser(pool.id);
  const { UserPoolClient } = await admin.createUserPoolClient({
    UserPoolId: pool.id,
    ClientName: "With a secret",
    GenerateSecret: true,
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    ...oauth,
  });
  confidential = { id: UserPoolClient.ClientId, secret: UserPoolClient.ClientSecret };
});

const discover = (id, secret, proof) =>
  openid.discovery(new URL(`${url}/${pool.id}`), id, secret, proof, { execute: [openid.allowInsecureRequests] });

for (const [name, of] of [
  ["without a secret", () => discover(pool.client)],
  ["with its secret in a header", () => discover(confidential.id, undefined, openid.ClientSecretBasic(confidential.secret))],
  ["with its secret in the body", () => discover(confidential.id, undefined, openid.ClientSecretPost(confidential.secret))],
]) {
  test(`openid-client signs in ${name}, refreshes, revokes and signs out`, async () => {
    const config = await of();
    assert.ok(config.serverMetadata().supportsPKCE());
    const verifier = openid.randomPKCECodeVerifier();
    const state = openid.randomState();
    const nonce = openid.randomNonce();
    const start = openid.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: "openid email",
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    const browser = new Jar();
    const back = await signIn(start, email, browser);
    const tokens = await openid.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      maxAge: 300,
    });
    const claims = tokens.claims();
    assert.equal(claims.email, email);
    assert.equal(claims.iss, `${url}/${pool.id}`);
    const me = await openid.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal(me.email, email);

    const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token);
    assert.equal(fresh.claims().auth_time, claims.auth_time);
    await openid.tokenRevocation(config, tokens.refresh_token);
    await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });

    const out = openid.buildEndSessionUrl(config, { post_logout_redirect_uri: SIGNED_OUT, id_token_hint: tokens.id_token, state });
    const silently = new URL(start);
    silently.searchParams.set("prompt", "none");
    const answer = async () => new URL(await leadsTo(silently, { cookie: browser.header() })).searchParams;
    assert.ok((await answer()).has("code"));
    assert.equal(await leadsTo(out, { cookie: browser.header() }), `${SIGNED_OUT}?state=${state}`);
    assert.equal((await answer()).get("error"), "login_required");
  });
}

test("openid-client follows refresh tokens that rotate, and revokes by one that has", async () => {
  const { UserPoolClient } = await admin.createUserPoolClient({
    UserPoolId: pool.id,
    ClientName: "Rotating",
    ExplicitAuthFlows: ["ALLOW_USER_AUTH"],
    RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 60 },
    ...oauth,
  });
  const config = await discover(UserPoolClient.ClientId);
  const verifier = openid.randomPKCECodeVerifier();
  const start = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid email",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const back = await signIn(start, email);
  const first = await openid.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier });
  const second = await openid.refreshTokenGrant(config, first.refresh_token, { scope: "openid email" });
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.claims().sub, first.claims().sub);
  await openid.tokenRevocation(config, first.refresh_token);
  await assert.rejects(openid.refreshTokenGrant(config, second.refresh_token), { error: "invalid_grant" });
});

test("openid-client notices an answer that is not meant for it", async () => {
  const config = await discover(pool.client);
  const verifier = openid.randomPKCECodeVerifier();
  const start = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "one",
  });
  const back = await signIn(start, email);
  assert.equal(back.searchParams.get("iss"), `${url}/${pool.id}`);
  const other = new URL(back);
  other.searchParams.set("iss", `${url}/us-east-1_000000000`);
  const checks = { pkceCodeVerifier: verifier, expectedState: "one" };
  await assert.rejects(openid.authorizationCodeGrant(config, other, checks));
  await assert.rejects(openid.authorizationCodeGrant(config, back, { ...checks, expectedState: "two" }));
  await assert.rejects(openid.authorizationCodeGrant(config, back, { ...checks, pkceCodeVerifier: "x".repeat(43) }), { error: "invalid_grant" });
});

test("Auth.js signs in by its Cognito provider", async () => {
  const settings = {
    basePath: "/auth",
    secret: "a secret of this test alone",
    trustHost: true,
    providers: [Cognito({ clientId: confidential.id, clientSecret: confidential.secret, issuer: `${url}/${pool.id}` })],
    logger: { error: (cause) => assert.fail(cause) },
  };
  const cookies = new Map();
  const call = async (path, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const request = new Request(`http://localhost:3999/auth${path}`, { ...init, headers: { ...init.headers, cookie } });
    const response = await Auth(request, settings);
    for (const set of response.headers.getSetCookie()) {
      const [pair] = set.split(";");
      cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    return response;
  };
  const { csrfToken } = await (await call("/csrf")).json();
  const begun = await call("/signin/cognito", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ csrfToken }),
  });
  const back = await signIn(begun.headers.get("location"), email);
  await call(`/callback/cognito${back.search}`);
  const session = await (await call("/session")).json();
  assert.equal(session.user.email, email);
});
