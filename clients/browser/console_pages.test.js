// Every page of the console in each of its states, as an administrator sees it: looked at once, on a phone and on a desk,
// in light and in dark; read without scripts; gone through by keyboard. All of it is of one pool that has one of everything.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lambda } from "../lambda.js";
import { addUser, admin, app, makePool, newestCode, ses, url, wrong } from "../postern.js";
import { heading, isAt, look, person, shareOut, startBrowser, stopBrowser } from "./browser.js";

const arn = (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`;

let functions, pool, base, email, sub, secretive, identity, everything;

before(async () => {
  functions = lambda({ "pre-sign-up": async (event) => event }).listen(Number(process.env.POSTERN_FUNCTIONS_PORT), "127.0.0.1");
  await Promise.all([startBrowser(), furnish()]);
});
after(async () => {
  functions?.close();
  await stopBrowser();
});

/** Makes a pool with one of everything that the console shows. */
async function furnish() {
  pool = await makePool({
    factors: ["EMAIL_OTP", "PASSWORD"],
    pool: {
      PoolName: "Shop",
      LambdaConfig: { PreSignUp: arn("pre-sign-up") },
      UserPoolTags: { team: "shop" },
      UserPoolTier: "PLUS",
      UserPoolAddOns: { AdvancedSecurityMode: "AUDIT" },
    },
    client: {
      ClientName: "Web",
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
      CallbackURLs: ["https://shop.example/callback"],
    },
  });
  base = `${url}/console/pools/${pool.id}`;
  email = await addUser(pool.id);
  const { UserAttributes } = await admin.adminGetUser({ UserPoolId: pool.id, Username: email });
  sub = UserAttributes.find(({ Name }) => Name === "sub").Value;
  const { UserPoolClient } = await admin.createUserPoolClient({ UserPoolId: pool.id, ClientName: "Till", GenerateSecret: true });
  secretive = UserPoolClient.ClientId;
  await admin.createGroup({ UserPoolId: pool.id, GroupName: "editors", Description: "Who may write", Precedence: 1 });
  await admin.adminAddUserToGroup({ UserPoolId: pool.id, GroupName: "editors", Username: email });
  await admin.createIdentityProvider({
    UserPoolId: pool.id,
    ProviderName: "Company",
    ProviderType: "OIDC",
    ProviderDetails: {
      client_id: "shop",
      client_secret: "not to be shown",
      authorize_scopes: "openid email",
      oidc_issuer: "https://id.example.com",
      attributes_request_method: "GET",
    },
    AttributeMapping: { email: "email" },
  });
  await admin.createResourceServer({
    UserPoolId: pool.id,
    Identifier: "https://api.shop.example",
    Name: "Orders",
    Scopes: [{ ScopeName: "read", ScopeDescription: "See orders" }],
  });
  await ses.createEmailIdentity({ EmailIdentity: "shop.example" });
  // The address of its page tells nothing, so it is taken from the list.
  const list = await (await fetch(`${url}/console/email`)).text();
  identity = url + list.match(/href="([^"]+)">shop\.example</)[1];
  await ses.putSuppressedDestination({ EmailAddress: "gone@example.com", Reason: "BOUNCE" });
  const { Session } = await app.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" },
  });
  const code = await newestCode(email);
  const answer = (EMAIL_OTP_CODE) =>
    app.respondToAuthChallenge({
      ClientId: pool.client,
      ChallengeName: "EMAIL_OTP",
      Session,
      ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE },
    });
  await assert.rejects(answer(wrong(code)));
  await answer(code);
}

/** Every page that an address leads to: what it is called in pictures, where it is, and what it is headed by. */
function pages() {
  const client = `${base}/clients/${pool.client}`;
  return [
    ["pools", `${url}/console/pools`, "User pools"],
    ["new-pool", `${url}/console/pools/new`, "Create user pool"],
    ["overview", base, "Shop"],
    ["delete-pool", `${base}/delete`, "Delete user pool"],
    ["methods", `${base}/methods`, "Authentication methods"],
    ["sign-in", `${base}/sign-in`, "Sign-in"],
    ["sign-up", `${base}/sign-up`, "Sign-up"],
    ["extensions", `${base}/extensions`, "Extensions"],
    ["threats", `${base}/threats`, "Threat protection"],
    ["messages", `${base}/messages`, "Message templates"],
    ["logs", `${base}/logs`, "Log streaming"],
    ["edit-logs", `${base}/logs/edit`, "Edit log streaming"],
    ["settings", `${base}/settings`, "Settings"],
    ["domain", `${base}/domain`, "Domain"],
    ["clients", `${base}/clients`, "App clients"],
    ["new-client", `${base}/clients/new`, "Create app client"],
    ["client", client, "Web"],
    ["client-with-secret", `${base}/clients/${secretive}`, "Till"],
    ["delete-client", `${client}/delete`, "Delete app client"],
    ["users", `${base}/users`, "Users"],
    ["users-none-found", `${base}/users?q=nobody&by=email`, "Users"],
    ["new-user", `${base}/users/new`, "Create user"],
    ["user", `${base}/users/${sub}`, email],
    ["user-events", `${base}/users/${sub}/events`, "Sign-in events"],
    ["user-attributes", `${base}/users/${sub}/edit`, "Edit user attributes"],
    ["user-password", `${base}/users/${sub}/password`, "Set password"],
    ["delete-user", `${base}/users/${sub}/delete`, "Delete user"],
    ["groups", `${base}/groups`, "Groups"],
    ["new-group", `${base}/groups/new`, "Create group"],
    ["group", `${base}/groups/editors`, "editors"],
    ["delete-group", `${base}/groups/editors/delete`, "Delete group"],
    ["providers", `${base}/providers`, "Social and external providers"],
    ["provider-types", `${base}/providers/new`, "Add identity provider"],
    ["new-saml", `${base}/providers/new?type=SAML`, "Add SAML"],
    ["new-apple", `${base}/providers/new?type=SignInWithApple`, "Add Sign in with Apple"],
    ["provider", `${base}/providers/Company`, "Company"],
    ["edit-provider", `${base}/providers/Company/edit`, "Edit Company"],
    ["delete-provider", `${base}/providers/Company/delete`, "Delete identity provider"],
    ["test-function", `${base}/extensions/test`, "Test a function"],
    ["new-resource-server", `${base}/resource-servers/new`, "Create resource server"],
    ["resource-server", `${base}/resource-servers/https%3A%2F%2Fapi.shop.example`, "Orders"],
    ["delete-resource-server", `${base}/resource-servers/https%3A%2F%2Fapi.shop.example/delete`, "Delete resource server"],
    ["branding", `${base}/branding`, "Managed login"],
    ["branding-of-client", `${base}/branding/${pool.client}`, "Web"],
    ["imports", `${base}/users/imports`, "Import jobs"],
    ["new-import", `${base}/users/imports/new`, "Import users"],
    ["email", `${url}/console/email`, "Email"],
    ["new-identity", `${url}/console/email/new`, "Create identity"],
    ["identity", identity, "shop.example"],
    ["delete-identity", `${identity}/delete`, "Delete identity"],
    ["test-email", `${url}/console/email/test`, "Send a test email"],
    ["outbox", `${url}/console/email/outbox`, "Outbox"],
    ["suppressions", `${url}/console/email/suppressions`, "Suppression list"],
    ["new-suppression", `${url}/console/email/suppressions/new`, "Add address"],
    ["roles", `${url}/console/roles`, "Roles"],
    ["activity", `${url}/console/activity`, "Activity"],
    ["activity-none-found", `${url}/console/activity?q=nothing&by=Who`, "Activity"],
    ["metrics", `${url}/console/metrics`, "Metrics"],
    ["your-sign-in", `${url}/console/you`, "Your sign-in"],
    ["nothing-here", `${url}/console/pools/us-east-1_Nowhere1`, "That is not here"],
  ];
}

/** The forms that edit a part of a pool, or of an app client. */
async function areas(page) {
  const found = new Set();
  for (const path of ["methods", "sign-in", "sign-up", "extensions", "threats", "messages", "settings", `clients/${pool.client}`]) {
    await page.goto(`${base}/${path}`);
    for (const link of await page.getByRole("main").locator("a[href*='/edit/']").all()) found.add(await link.getAttribute("href"));
  }
  return [...found].map((href) => [`edit-${href.split("/").at(-1)}`, url + href, /^Edit /]);
}

/** All of them, found once. */
async function all() {
  if (!everything) {
    const { page, context } = await person({ scripts: false });
    everything = [...pages(), ...(await areas(page))];
    await context.close();
  }
  return everything;
}

test("every page looks right on a phone and on a desk, in light and in dark", async () => {
  const [broken, heard] = [[], new WeakSet()];
  // One of the pages is not there, and a preview runs no script and takes no focus: browsers say both.
  const meant = /status of 404|^Blocked (script execution|autofocusing)/;
  const foreign = await shareOut(await all(), {}, async ({ page }, [name, address, title]) => {
    if (!heard.has(page)) {
      heard.add(page);
      page.on("pageerror", (error) => broken.push(`${page.url()}: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error" && !meant.test(message.text())) broken.push(`${page.url()}: ${message.text()}`);
      });
    }
    await page.goto(address);
    await isAt(page, title);
    await look(page, `console-${name}`);
  });
  assert.deepEqual([broken, foreign], [[], []]);
});

test("every page says the same without scripts, under its own title, with each field named", async () => {
  const titles = new Map();
  await shareOut(await all(), { scripts: false }, async ({ page }, [name, address, title]) => {
    await page.goto(address);
    await heading(page, title).waitFor();
    assert.match(await page.title(), / – Postern console$/, name);
    assert.equal(await page.getByRole("main").count(), 1, name);
    // What only a script can do is not offered.
    assert.equal(await page.locator("button[type=button]:visible").count(), 0, name);
    const nameless = await page.evaluate(() => {
      const fields = [...document.querySelectorAll("main :is(input, select, textarea)")];
      const isNamed = (it) => it.labels?.length > 0 || Boolean(it.closest("fieldset")?.querySelector("legend"));
      const isSeen = (it) => it.type !== "hidden" && it.checkVisibility();
      return fields.filter((it) => isSeen(it) && !isNamed(it)).map((it) => it.name);
    });
    assert.deepEqual(nameless, [], name);
    titles.set(name, await page.title());
  });
  assert.ok(titles.size > 60, `${titles.size} pages`);
});

for (const scripts of [true, false]) test(`a function is tried, ${scripts ? "with" : "without"} scripts`, async () => {
  const { page, context } = await person({ scripts });
  await page.goto(`${base}/extensions`);
  await page.getByRole("link", { name: "Test a function" }).click();
  await isAt(page, "Test a function");
  await page.getByLabel("Trigger").selectOption("PreSignUp");
  await page.getByRole("button", { name: "Send a sample event" }).click();
  await page.getByText(/Answered in \d+ ms\. The answer can be used as it is\./).waitFor();
  await page.getByText("Event", { exact: true }).click();
  await page.getByText("PreSignUp_SignUp").first().waitFor();
  if (scripts) await look(page, "console-function-tested");
  await context.close();
});

for (const scripts of [true, false]) test(`people come in from a file, ${scripts ? "with" : "without"} scripts`, async () => {
  const { page, context } = await person({ scripts });
  await page.goto(`${base}/users`);
  await page.getByRole("link", { name: "Import users" }).click();
  await page.getByRole("link", { name: "Import users" }).first().click();
  await isAt(page, "Import users");
  await page.getByLabel("Job name").fill("From the old shop");
  const name = `import${scripts ? 1 : 2}`;
  const lines = ["cognito:username,email,email_verified", `${name},${name}@example.com,true`, "nobody,nobody@example.com,false"];
  const file = { name: "users.csv", mimeType: "text/csv", buffer: Buffer.from(`${lines.join("\n")}\n`) };
  await page.getByLabel("CSV file").setInputFiles(file);
  await page.getByRole("button", { name: "Start import" }).click();
  await page.getByText("Import started").waitFor();
  // With scripts the page keeps itself up to date; without, whoever wants to know opens it again.
  const done = page.getByText("Import Job Completed Successfully.");
  for (let round = 0; round < 60 && (await done.count()) === 0; round += 1) {
    await new Promise((later) => setTimeout(later, 500));
    if (!scripts) await page.reload();
  }
  await done.waitFor();
  await page.getByText("It has no verified address of a kind that the pool verifies.").waitFor();
  if (scripts) await look(page, "console-import-done");
  await context.close();
});

const LOGO = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test("a look is seen on the real pages while it is typed, and saved", async () => {
  const { page, context, foreign } = await person();
  await page.goto(`${base}/branding/${pool.client}`);
  await isAt(page, "Web");
  const frame = page.frameLocator("iframe[title='Sign in, light, on a phone']");
  await frame.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByLabel("Heading", { exact: false }).fill("Welcome to the shop");
  await page.getByLabel(/^Button, light/).first().fill("#ffd200");
  await page.getByLabel(/^Button text, light/).first().fill("#ffffff");
  await frame.getByRole("heading", { name: "Welcome to the shop" }).waitFor();
  await page.getByText("Button text, light: #ffffff could not be read where it stands.").waitFor();
  const button = await frame.getByRole("button", { name: "Next" }).evaluate((it) => getComputedStyle(it).backgroundColor);
  assert.notEqual(button, "rgb(29, 107, 98)");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("Branding saved").waitFor();
  await page.getByLabel("Logo for light pages").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: LOGO });
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByText("Logo saved").waitFor();
  await frame.getByRole("img", { name: "Web" }).waitFor();
  await look(page, "console-branding-saved");
  await page.getByRole("button", { name: "Remove the logo" }).click();
  await page.getByText("Logo removed").waitFor();
  assert.deepEqual(foreign, []);
  await context.close();
});

test("a keyboard alone gets past the menu, and sees where it is", async () => {
  const { page, context } = await person();
  await page.goto(`${base}/edit/mfa`);
  await page.keyboard.press("Tab");
  const focus = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.name);
  assert.equal(await focus(), "Skip to the page");
  await page.keyboard.press("Enter");
  // Each stop can be seen: it has an outline, and lies on the screen.
  for (let stop = 0; stop < 8; stop += 1) {
    await page.keyboard.press("Tab");
    const shown = await page.evaluate(() => {
      const it = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      const { top, bottom } = it.getBoundingClientRect();
      return { name: it.textContent || it.name, inMain: it.closest("main") !== null, outlineStyle, width: parseFloat(outlineWidth), top, bottom, height: innerHeight };
    });
    assert.ok(shown.inMain && shown.outlineStyle !== "none" && shown.width >= 2, JSON.stringify(shown));
    assert.ok(shown.top >= 0 && shown.bottom <= shown.height, JSON.stringify(shown));
  }
  await page.goto(`${base}/delete`);
  assert.equal(await focus(), "Cancel");
  await context.close();
});
