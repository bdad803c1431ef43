// The console as an administrator clicks it: from an empty server in production to somebody's tokens, by clicking and
// typing alone. The server is one of the test's own, with the console at an address of its own and mail in a file.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { addUser, admin, app as api, freshAddress, makePool, newestCode, url, wrong } from "../postern.js";
import { holder, isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

const program = process.env.POSTERN_PROGRAM;
if (!program) throw new Error("POSTERN_PROGRAM is not set: run scripts/test, which says where the program is");

const ALEX = "alex@shop.example";
const SENDER = "codes@shop.example";
const ALICE = freshAddress("alice");

let folder, server, app, callback, pages, desk, key;

const freePort = () =>
  new Promise((done) => {
    const probe = createServer().listen(0, "localhost", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });

/** Waits for a mail that says something, and gives its text. */
async function mailTo(address, pattern) {
  for (let round = 0; round < 200; round += 1) {
    let lines = [];
    try {
      lines = readFileSync(join(folder, "mails.jsonl"), "utf8").trim().split("\n").map(JSON.parse);
    } catch {
      // Nothing was sent yet.
    }
    const found = lines.reverse().find((mail) => mail.to === address && pattern.test(mail.text));
    if (found) return { ...found, match: found.text.match(pattern)[0] };
    await pause(100);
  }
  throw new Error(`no mail to ${address} that says ${pattern}`);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "postern-console-"));
  app = createServer((_request, answer) => answer.end("<!doctype html><title>App</title><h1>Back in the app</h1>"));
  await new Promise((done) => app.listen(0, "localhost", done));
  callback = `http://localhost:${app.address().port}/callback`;
  const [main, own] = [await freePort(), await freePort()];
  [pages, desk] = [`http://localhost:${main}`, `http://localhost:${own}`];
  const config = join(folder, "postern.toml");
  writeFileSync(
    config,
    `public_url = "${pages}"
listen = ["127.0.0.1:${main}"]
data = "${folder}"
[mail]
from = "Postern <no-reply@example.com>"
file = "${join(folder, "mails.jsonl")}"
[ses]
auto_approve = true
[console]
listen = ["127.0.0.1:${own}"]
url = "${desk}"
`,
  );
  const made = execFileSync(program, ["init", "--config", config, "--email", ALEX], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const said = (name) => made.match(new RegExp(`${name}=(.*)`))[1];
  key = { id: said("AWS_ACCESS_KEY_ID"), secret: said("AWS_SECRET_ACCESS_KEY") };
  server = spawn(program, ["serve", "--config", config], { stdio: "ignore" });
  for (let round = 0; round < 100; round += 1) {
    if (await fetch(`${desk}/console/sign-in`).then(({ ok }) => ok, () => false)) break;
    await pause(100);
  }
  await startBrowser();
});

after(async () => {
  await stopBrowser();
  server?.kill();
  app?.close();
  rmSync(folder, { recursive: true, force: true });
});

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const follow = (page, name) => page.getByRole("link", { name, exact: true }).first().click();
const open = (page, name) => page.getByRole("row").getByRole("link", { name, exact: true }).click();
const menu = (page, name) => page.getByRole("navigation", { name: "Console" }).getByRole("link", { name, exact: true }).click();

test("from an empty server to tokens, only by clicking and typing", async () => {
  const { page, context } = await person();
  await page.goto(`${desk}/console`);
  await isAt(page, "Sign in");
  await look(page, "20-console-sign-in");
  await page.getByLabel("Email address").fill("alex");
  await press(page, "Send a code");
  await page.getByText("Enter an email address like name@example.com.").waitFor();
  await page.getByLabel("Email address").fill(ALEX);
  await press(page, "Send a code");
  await isAt(page, "Check your email");
  const { match: own } = await mailTo(ALEX, /\b\d{8}\b/);
  await page.getByLabel("Code").fill(wrong(own));
  await press(page, "Sign in");
  await page.getByText("That code isn't right. Check the newest email and try again.").waitFor();
  await look(page, "20-console-code");
  await page.getByLabel("Code").fill(own);
  await press(page, "Sign in");

  await isAt(page, "User pools");
  await look(page, "21-console-no-pools");
  await follow(page, "Create user pool");
  await isAt(page, "Create user pool");
  await page.getByLabel("Single-page application").check();
  await page.getByLabel("Name of the app").fill("Shop");
  await page.getByLabel("3. Where do they return to?").fill("http://shop.example/callback");
  await press(page, "Create user pool");
  await page.getByRole("alert").waitFor();
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.evaluate(() => document.activeElement.id), "callbacks");
  await look(page, "22-console-new-pool-refused");
  await page.getByLabel("3. Where do they return to?").fill(callback);
  await press(page, "Create user pool");
  await isAt(page, "Shop");
  await page.getByText("User pool created").waitFor();
  await page.getByText("Show the command").click();
  await look(page, "23-console-app-client");

  await menu(page, "Overview");
  await isAt(page, "Shop");
  await page.getByText("Email code needs a sender. Set one up.").waitFor();
  await look(page, "24-console-overview-at-first");
  await follow(page, "Set up a sender");
  await isAt(page, "Edit email");
  await page.getByText("No address or domain is verified yet.").waitFor();
  await follow(page, "Create identity");

  // An address is proved by the link in a mail, a domain by its records.
  await page.getByLabel("Email address or domain").fill(SENDER);
  await press(page, "Create identity");
  await isAt(page, SENDER);
  await page.getByText("A mail with a link went to this address.").waitFor();
  assert.ok(!decodeURIComponent(page.url()).includes("codes@"), page.url());
  await look(page, "25-console-address-waits");
  const { match: link } = await mailTo(SENDER, /http\S+\/ses\/verify\S+/);
  const proof = await context.newPage();
  await proof.goto(link);
  await proof.getByRole("button").click();
  await isAt(proof, "Email address confirmed");
  await proof.close();
  await menu(page, "Email");
  await isAt(page, "Email");
  await page.getByText("Verified", { exact: true }).waitFor();
  await follow(page, "Create identity");
  await page.getByLabel("Email address or domain").fill("shop.example");
  await press(page, "Create identity");
  await isAt(page, "shop.example");
  await page.getByRole("heading", { name: "DNS records to publish" }).waitFor();
  await page.getByRole("button", { name: /^Copy .*_domainkey\.shop\.example$/ }).first().waitFor();
  await page.getByText("There is no record of that name yet.").first().waitFor();
  await look(page, "26-console-domain-records");
  await press(page, "Check now");
  await page.getByText("Looked at its records").waitFor();
  await page.getByText("There is no record of that name yet.").first().waitFor();

  await menu(page, "Email");
  await page.getByText(/^Sandbox: mail goes to verified addresses only/).waitFor();
  await look(page, "27-console-sandbox");
  await follow(page, "Request production access");
  await isAt(page, "Request production access");
  await page.getByLabel("Website URL").fill("https://shop.example");
  await page.getByLabel("What mail do you send, and to whom?").fill("Codes to the people who shop with us.");
  await press(page, "Submit request");
  await isAt(page, "Email");
  await page.getByText("Production access: mail goes to everybody.").waitFor();
  await follow(page, "Send a test email");
  await page.getByLabel("To", { exact: false }).fill("somebody@example.com");
  await press(page, "Send a test email");
  await page.getByText("Test email on its way to s***@e***").waitFor();
  await mailTo("somebody@example.com", /It works/);
  await look(page, "28-console-email");

  await menu(page, "User pools");
  await open(page, "Shop");
  await menu(page, "Authentication methods");
  await isAt(page, "Authentication methods");
  await look(page, "29-console-methods");
  await page.getByRole("link", { name: "Edit Email" }).click();
  await isAt(page, "Edit email");
  await page.getByLabel("Send email with Amazon SES").check();
  await page.getByLabel("FROM email address").selectOption(SENDER);
  await page.getByLabel("FROM sender name").fill("Shop, Inc.");
  await look(page, "30-console-edit-email");
  await press(page, "Save changes");
  await page.getByText("Email settings saved").waitFor();
  await page.getByText("Show the command").click();
  await page.getByText("aws cognito-idp update-user-pool").waitFor();
  await look(page, "31-console-email-saved");

  await menu(page, "Sign-in");
  await page.getByRole("link", { name: "Edit Options for choice-based sign-in" }).click();
  await page.getByLabel("Email message one-time password").check();
  await press(page, "Save changes");
  await page.getByText("Options for choice-based sign-in saved").waitFor();
  await look(page, "32-console-sign-in-options");

  await menu(page, "App clients");
  await isAt(page, "App clients");
  await open(page, "Shop");
  await page.getByRole("link", { name: "Edit App client information" }).click();
  await page.getByLabel("Choice-based sign-in (ALLOW_USER_AUTH)").check();
  await look(page, "33-console-edit-client");
  await press(page, "Save changes");
  await page.getByText("App client saved").waitFor();

  await menu(page, "Users");
  await isAt(page, "Users");
  await look(page, "34-console-no-users");
  await follow(page, "Create user");
  await page.getByRole("textbox", { name: "Email address" }).fill(ALICE);
  await page.getByLabel("Mark email address as verified").check();
  await look(page, "35-console-create-user");
  await press(page, "Create user");
  await page.getByText("User created").waitFor();
  await look(page, "36-console-users");
  await open(page, ALICE);
  await isAt(page, ALICE);
  assert.ok(!decodeURIComponent(page.url()).includes("@"), page.url());
  await look(page, "37-console-user");

  await menu(page, "Overview");
  assert.equal(await page.getByText("Missing:").count(), 0);
  await look(page, "38-console-overview");
  await menu(page, "App clients");
  await open(page, "Shop");
  await page.getByText("cURL", { exact: true }).click();
  const curl = await page.locator("#quick-curl").textContent();
  const opened = context.waitForEvent("page");
  await page.getByRole("link", { name: /^View login page/ }).click();
  const login = await opened;
  await isAt(login, "Sign in");
  await login.getByLabel("Email address").fill(ALICE);
  await login.getByRole("button", { name: "Next" }).click();
  await isAt(login, "Check your email");
  const { match: code, from } = await mailTo(ALICE, /\b\d{8}\b/);
  assert.match(from, /Shop, Inc\.".*codes@shop\.example/);
  await login.getByLabel("Verification code").fill(code);
  await login.getByRole("button", { name: "Sign in" }).click();
  await isAt(login, "Back in the app");
  const [, endpoint] = curl.match(/curl (\S+)/);
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: curl.match(/client_id=(\S+)/)[1],
    redirect_uri: curl.match(/redirect_uri=(\S+)/)[1],
    code_verifier: curl.match(/code_verifier=(\S+)/)[1],
    code: new URL(login.url()).searchParams.get("code"),
  });
  const answer = await fetch(endpoint, { method: "POST", body });
  const tokens = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(tokens));
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
  assert.equal(claims.email, ALICE);

  await press(page, "Sign out");
  await isAt(page, "Sign in");
  await context.close();
});

test("an administrator with an access key makes a passkey, signs in by it, and takes it away", async () => {
  const { page, context, credentials } = await holder();
  await page.goto(`${desk}/console/roles`);
  await isAt(page, "Sign in");
  await page.getByText("Use an access key").click();
  await page.getByLabel("Access key ID").fill(key.id);
  await page.getByLabel("Secret access key").fill("not the secret");
  await press(page, "Sign in");
  await page.getByText("That access key isn't right, or is no longer active.").waitFor();
  await look(page, "41-console-access-key");
  await page.getByLabel("Access key ID").fill(key.id);
  await page.getByLabel("Secret access key").fill(key.secret);
  await press(page, "Sign in");
  await isAt(page, "Roles");

  await follow(page, "administrator");
  await isAt(page, "Your sign-in");
  await page.getByText("With an access key").waitFor();
  await press(page, "Add a passkey");
  await page.getByText("Passkey added", { exact: true }).waitFor();
  assert.equal((await credentials()).length, 1);
  await look(page, "42-console-your-sign-in");
  await press(page, "Sign out");
  await isAt(page, "Sign in");
  await press(page, "Use a passkey");
  await isAt(page, "User pools");
  await follow(page, "administrator");
  await page.getByText("By a passkey").waitFor();
  await page.getByRole("button", { name: /^Remove / }).click();
  // The session that it opened ended with it.
  await isAt(page, "Sign in");
  await press(page, "Use a passkey");
  await page.getByText("That passkey doesn't open this console.").waitFor();
  await context.close();
});

test("the walk's forms work without scripts, by keyboard, on a narrow phone", async () => {
  const { page, context } = await person({ scripts: false, forcedColors: "active", viewport: { width: 320, height: 640 } });
  await page.goto(`${url}/console`);
  await isAt(page, "User pools");
  await page.getByText("Development mode: mail is caught, not sent.").waitFor();
  await page.goto(`${url}/console/pools/new`);
  await page.getByLabel("Name of the app").focus();
  await page.keyboard.type("By keyboard");
  await page.getByLabel("3. Where do they return to?").focus();
  await page.keyboard.type("http://localhost:3000/callback");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await isAt(page, "By keyboard");
  await page.getByText("User pool created").waitFor();
  await context.close();
});

test("leaving a form with changes asks once, and a callback address is judged while it is typed", async () => {
  const { page, context, foreign } = await person();
  await page.goto(`${url}/console/pools/new`);
  await page.getByLabel("3. Where do they return to?").fill("http://shop.example/");
  await page.getByText("http://shop.example/ must use https").waitFor();
  await page.getByLabel("3. Where do they return to?").fill("https://shop.example/#here");
  await page.getByText("has a fragment (#), which is not allowed").waitFor();
  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    dialog.dismiss();
  });
  await page.getByRole("link", { name: "Cancel" }).click();
  await pause(200);
  assert.deepEqual(asked, ["beforeunload"]);
  await isAt(page, "Create user pool");
  assert.deepEqual(foreign, []);
  await context.close();
});

test("groups, roles, activity and numbers are pages for everybody", async () => {
  const pool = await makePool();
  const email = await addUser(pool.id);
  const { Session } = await api.initiateAuth({
    ClientId: pool.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" },
  });
  const EMAIL_OTP_CODE = wrong(await newestCode(email));
  const answer = { ClientId: pool.client, ChallengeName: "EMAIL_OTP", Session };
  await assert.rejects(api.respondToAuthChallenge({ ...answer, ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE } }));
  await admin.createGroup({ UserPoolId: pool.id, GroupName: "editors", Description: "Who may write" });
  await admin.adminAddUserToGroup({ UserPoolId: pool.id, GroupName: "editors", Username: email });

  const { page, context, foreign } = await person();
  const base = `${url}/console/pools/${pool.id}`;
  await page.goto(`${base}/groups`);
  await isAt(page, "Groups");
  await open(page, "editors");
  await isAt(page, "editors");
  await page.getByRole("link", { name: email }).waitFor();
  await open(page, email);
  await page.getByText("wrong code").waitFor();

  await menu(page, "Roles");
  await isAt(page, "Roles");
  await menu(page, "Activity");
  await isAt(page, "Activity");
  await page.getByLabel("Find records").fill("cognito-idp:CreateGroup");
  await press(page, "Find");
  await page.getByRole("row").getByRole("link", { name: "cognito-idp:CreateGroup" }).first().click();
  await page.getByText("As AWS CLI", { exact: true }).click();
  await page.getByText("aws cognito-idp create-group").waitFor();
  await look(page, "40-console-record");
  await menu(page, "Metrics");
  await isAt(page, "Metrics");

  assert.deepEqual(foreign, []);
  await context.close();
});
