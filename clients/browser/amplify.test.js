// Amplify's hosted sign-in: it wants https, so a TLS front stands before the server, as in production.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { freshAddress } from "../postern.js";
import { serveApp } from "./app.js";
import { isAt, person, startBrowser, stopBrowser } from "./browser.js";
import { startProduction } from "./front.js";

const SOURCE = `
import { Amplify } from "aws-amplify";
import { fetchAuthSession, getCurrentUser, signInWithRedirect, signOut } from "aws-amplify/auth";
import { Hub } from "aws-amplify/utils";
import "aws-amplify/auth/enable-oauth-listener";
const say = (text) => { document.querySelector("output").textContent = text; };
const settings = JSON.parse(localStorage.getItem("settings"));
if (settings) {
  Hub.listen("auth", ({ payload }) => {
    if (payload.event === "signInWithRedirect_failure") say("failed: " + JSON.stringify(payload.data));
  });
  Amplify.configure({ Auth: { Cognito: {
    userPoolId: settings.pool, userPoolClientId: settings.client, userPoolEndpoint: settings.url,
    loginWith: { oauth: {
      domain: settings.url.replace("https://", ""), scopes: ["openid", "email", "aws.cognito.signin.user.admin"],
      redirectSignIn: [location.origin + "/"], redirectSignOut: [location.origin + "/"], responseType: "code",
    } },
  } } });
  Object.assign(window, { signInWithRedirect, signOut });
  const look = async () => {
    const { tokens } = await fetchAuthSession();
    if (!tokens) return say("nobody");
    const user = await getCurrentUser();
    say("known: " + tokens.idToken.payload.email + " " + user.userId);
  };
  window.look = look;
  if (!location.search.includes("code=")) look();
  Hub.listen("auth", ({ payload }) => { if (payload.event === "signInWithRedirect") look(); });
}
`;

let production;
let app;
let settings;
const email = freshAddress("amplify");

before(async () => {
  await startBrowser();
  production = await startProduction();
  app = await serveApp(SOURCE);
  const { UserPool } = await production.admin.createUserPool({
    PoolName: "Amplify",
    UsernameAttributes: ["email"],
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP"] } },
  });
  const { UserPoolClient } = await production.admin.createUserPoolClient({
    UserPoolId: UserPool.Id,
    ClientName: "Amplify app",
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "aws.cognito.signin.user.admin"],
    CallbackURLs: [`${app.origin}/`],
    LogoutURLs: [`${app.origin}/`],
  });
  await production.admin.adminCreateUser({
    UserPoolId: UserPool.Id,
    Username: email,
    MessageAction: "SUPPRESS",
    UserAttributes: [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ],
  });
  settings = { pool: UserPool.Id, client: UserPoolClient.ClientId, url: production.url };
});
after(async () => {
  await stopBrowser();
  await app?.stop();
  await production?.stop();
});

test("a person signs in, is known to the app, and signs out", async () => {
  const { page, context } = await person({ ignoreHTTPSErrors: true });
  await page.goto(app.origin);
  await page.evaluate((given) => localStorage.setItem("settings", JSON.stringify(given)), settings);
  await page.reload();
  await page.getByText("nobody").waitFor();
  await page.evaluate(() => void window.signInWithRedirect());
  await isAt(page, "Sign in");
  assert.equal(new URL(page.url()).origin, production.url);
  const cookies = await context.cookies(production.url);
  assert.ok(cookies.length > 0 && cookies.every(({ name, secure, httpOnly }) => name.startsWith("__Host-") && secure && httpOnly));
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  await page.getByLabel("Verification code").fill(await production.code(email));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(`known: ${email}`).waitFor();

  await page.evaluate(() => void window.signOut());
  await page.getByText("nobody").waitFor();
  await page.evaluate(() => void window.signInWithRedirect());
  await isAt(page, "Sign in");
  await context.close();
});
