// A single-page app with oidc-client-ts, on an origin of its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addUser, admin, makePool, newestCode, url } from "../postern.js";
import { serveApp } from "./app.js";
import { isAt, person, startBrowser, stopBrowser } from "./browser.js";

const SOURCE = `
import { UserManager } from "oidc-client-ts";
const settings = JSON.parse(sessionStorage.getItem("settings"));
if (settings) {
  const manager = new UserManager({ ...settings, redirect_uri: location.origin + "/callback", post_logout_redirect_uri: location.origin + "/bye" });
  window.manager = manager;
  const say = (text) => { document.querySelector("output").textContent = text; };
  if (location.pathname === "/callback") {
    manager.signinCallback().then((user) => { window.user = user; say("known: " + user.profile.email); }, (cause) => say(String(cause)));
  } else if (location.pathname === "/bye") {
    manager.signoutCallback().then(() => say("out"), (cause) => say(String(cause)));
  } else {
    say("ready");
  }
}
`;

let app;
let pool;

before(async () => {
  await startBrowser();
  app = await serveApp(SOURCE);
  pool = await makePool({
    client: {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      CallbackURLs: [`${app.origin}/callback`],
      LogoutURLs: [`${app.origin}/bye`],
    },
  });
});
after(async () => {
  await stopBrowser();
  await app.stop();
});

test("it signs in, asks userInfo, refreshes from the browser, and signs out", async () => {
  const email = await addUser(pool.id);
  const { page, context } = await person();
  const settings = {
    authority: `${url}/${pool.id}`,
    client_id: pool.client,
    scope: "openid email",
    loadUserInfo: true,
    automaticSilentRenew: false,
  };
  await page.goto(app.origin);
  await page.evaluate((given) => sessionStorage.setItem("settings", JSON.stringify(given)), settings);
  await page.reload();
  await page.getByText("ready").waitFor();
  await page.evaluate(() => void window.manager.signinRedirect({ state: "kept" }));
  await isAt(page, "Sign in");
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(`known: ${email}`).waitFor();
  assert.equal(await page.evaluate(() => window.user.state), "kept");

  const [before, after] = await page.evaluate(async () => {
    const first = window.user.access_token;
    const renewed = await window.manager.signinSilent();
    return [first, renewed.access_token];
  });
  assert.notEqual(before, after);

  await page.evaluate(() => void window.manager.signoutRedirect({ state: "bye" }));
  await page.getByText("out", { exact: true }).waitFor();
  // Nobody is signed in any more.
  await page.evaluate(() => void window.manager.signinRedirect());
  await isAt(page, "Sign in");
  await context.close();
});

test("no other origin may read what needs a person's cookies", async () => {
  const { page, context } = await person();
  await page.goto(app.origin);
  const read = await page.evaluate(
    (address) => fetch(address, { credentials: "include" }).then(() => "read", () => "refused"),
    `${url}/oauth2/authorize?client_id=${pool.client}&response_type=code`,
  );
  assert.equal(read, "refused");
  await context.close();
  await admin.deleteUserPool({ UserPoolId: pool.id });
});
