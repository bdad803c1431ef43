// Signing in on the pages, from the demo app and back to it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addUser, admin, demo, freshAddress, mails, newestCode, newestMail, url, wrong } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser, tellsNothing } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const PASSWORD = "Correct-Horse-7";

/** Opens the demo app, types a name, presses Next. */
async function typeName(page, name) {
  await page.goto(`${url}/demo`);
  await isAt(page, "Sign in");
  await page.getByLabel("Email address").fill(name);
  await page.getByRole("button", { name: "Next" }).click();
}

async function typeCode(page, code) {
  await page.getByLabel("Verification code").fill(code);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const problem = (page) => page.getByRole("alert");

test("a person signs in with a mailed code and the app knows who it is", async () => {
  const email = await addUser(demo.pool);
  const { page, context, foreign } = await person();
  await page.goto(`${url}/demo`);
  await isAt(page, "Sign in");
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.match(await page.title(), /^Sign in – /);
  assert.equal(await page.evaluate(() => document.activeElement.id), "username");
  await look(page, "1-sign-in");

  await page.getByLabel("Email address").fill(`  ${email.toUpperCase()} `);
  await page.getByRole("button", { name: "Next" }).click();
  await isAt(page, "Check your email");
  await page.getByText(`${email[0]}***@e***`).waitFor();
  await page.getByText("It works for 3 minutes.").waitFor();
  const field = page.getByLabel("Verification code");
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  assert.equal(await field.getAttribute("inputmode"), "numeric");
  tellsNothing(page, email, "@");
  await page.getByText("Not there?").click();
  await look(page, "2-check-your-email");

  const code = await newestCode(email);
  assert.match(code, /^\d{8}$/);
  await typeCode(page, ` ${code.slice(0, 4)} ${code.slice(4)} `);
  await isAt(page, "You're signed in");
  assert.equal(new URL(page.url()).pathname, "/demo/callback");
  assert.ok((await page.getByRole("main").textContent()).includes(email));
  tellsNothing(page, email, code);
  await look(page, "3-signed-in");
  await page.getByRole("button", { name: "Refresh the tokens" }).click();
  await page.getByText("Fresh tokens.").waitFor();
  assert.deepEqual(foreign, []);
  await context.close();
});

test("the same works without scripts, by keyboard alone, in forced colours", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person({ scripts: false, forcedColors: "active", viewport: { width: 320, height: 640 } });
  await page.goto(`${url}/demo`);
  await isAt(page, "Sign in");
  await page.keyboard.type(email);
  await page.keyboard.press("Enter");
  await isAt(page, "Check your email");
  await page.keyboard.type(await newestCode(email));
  await page.keyboard.press("Enter");
  await isAt(page, "You're signed in");
  await context.close();
});

for (const scripts of [true, false]) {
  test(`a wrong code is told kindly and the right one still works, ${scripts ? "with" : "without"} scripts`, async () => {
    const email = await addUser(demo.pool);
    const { page, context } = await person({ scripts });
    await typeName(page, email);
    await isAt(page, "Check your email");
    const code = await newestCode(email);
    await typeCode(page, wrong(code));
    await problem(page).waitFor();
    assert.match(await problem(page).textContent(), /That code isn't right\. Check the newest email and try again\./);
    assert.match(await page.title(), /^Error: Check your email – /);
    const field = page.getByLabel("Verification code");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.ok((await field.getAttribute("aria-describedby")).includes(await problem(page).getAttribute("id")));
    assert.equal(await field.inputValue(), "");
    if (scripts) await look(page, "4-wrong-code");
    await typeCode(page, code);
    await isAt(page, "You're signed in");
    await context.close();
  });
}

test("when the tries are spent the page says what to do, and the code is of no use", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person();
  await typeName(page, email);
  await isAt(page, "Check your email");
  const code = await newestCode(email);
  const said = [];
  for (let round = 0; round < 5; round += 1) {
    await typeCode(page, wrong(code));
    await problem(page).waitFor();
    said.push((await problem(page).textContent()).trim());
  }
  assert.equal(said[3], "That code isn't right. 1 try left.");
  assert.equal(said[4], "Too many wrong codes. Send a new code to keep going.");
  await look(page, "5-no-tries-left");
  await page.getByLabel("Verification code").fill(code);
  await page.keyboard.press("Enter");
  await problem(page).waitFor();
  await isAt(page, "Check your email");
  await context.close();
});

test("reload, back and forward send no mail and lose nothing", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person();
  await typeName(page, email);
  await isAt(page, "Check your email");
  const code = await newestCode(email);
  await page.reload();
  await isAt(page, "Check your email");
  await page.goBack();
  await page.goForward();
  await isAt(page, "Check your email");
  await typeCode(page, wrong(code));
  await problem(page).waitFor();
  await page.reload();
  await isAt(page, "Check your email");
  assert.equal((await mails(email)).length, 1);
  await typeCode(page, code);
  await isAt(page, "You're signed in");
  assert.equal((await mails(email)).length, 1);
  await context.close();
});

test("a new code is not sent at once, and the first one keeps working", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person({ scripts: false });
  await typeName(page, email);
  await isAt(page, "Check your email");
  const code = await newestCode(email);
  const address = page.url();
  await page.getByRole("button", { name: "Send a new code" }).click();
  await page.getByText(/We sent one \d+ seconds? ago\. You can ask again in \d+ seconds?\./).waitFor();
  assert.equal(page.url(), address);
  assert.equal((await mails(email)).length, 1);
  await typeCode(page, code);
  await isAt(page, "You're signed in");
  await context.close();
});

test("asking for a new code leaves no page behind for Back", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person();
  await page.clock.install();
  await typeName(page, email);
  await isAt(page, "Check your email");
  const code = await newestCode(email);
  const entries = await page.evaluate(() => history.length);
  await page.clock.fastForward(31_000);
  await page.getByRole("button", { name: "Send a new code" }).click();
  await page.getByText(/We sent one \d+ seconds? ago\. You can ask again in \d+ seconds?\./).waitFor();
  assert.equal(await page.evaluate(() => history.length), entries);
  await typeCode(page, code);
  await isAt(page, "You're signed in");
  await context.close();
});

test("another way is the password, and going back keeps the code", async () => {
  const email = await addUser(demo.pool, { password: PASSWORD });
  const { page, context } = await person();
  await typeName(page, email);
  await isAt(page, "Check your email");
  await newestMail(email);
  await page.getByRole("link", { name: "Try another way" }).click();
  await isAt(page, "Choose how to sign in");
  await look(page, "6-choose-how");
  await page.getByRole("button", { name: /Enter your password/ }).click();
  await isAt(page, "Enter your password");
  await look(page, "7-password");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await problem(page).waitFor();
  assert.equal((await problem(page).textContent()).trim(), "Incorrect username or password.");
  await page.getByRole("link", { name: "Try another way" }).click();
  await page.getByRole("button", { name: /Enter your password/ }).click();
  const field = page.getByLabel("Password", { exact: true });
  await field.fill(PASSWORD);
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await field.getAttribute("type"), "text");
  await page.getByRole("button", { name: "Sign in" }).click();
  await isAt(page, "You're signed in");
  assert.equal((await mails(email)).length, 1);
  await context.close();
});

test("a name that cannot be one is told so, and typed markup is only text", async () => {
  const { page, context } = await person();
  await page.goto(`${url}/demo`);
  await page.getByRole("button", { name: "Next" }).click();
  await problem(page).waitFor();
  assert.equal((await problem(page).textContent()).trim(), "Enter your email address.");
  const typed = `<img src=x onerror="document.title='gone'">`;
  await page.getByLabel("Email address").fill(typed);
  await page.getByRole("button", { name: "Next" }).click();
  await problem(page).waitFor();
  assert.equal((await problem(page).textContent()).trim(), "Enter an email address like name@example.com.");
  assert.equal(await page.getByLabel("Email address").inputValue(), typed);
  assert.notEqual(await page.title(), "gone");
  await look(page, "8-not-an-address");
  await context.close();
});

test("a temporary password is replaced on the page", async () => {
  const email = freshAddress();
  await admin.adminCreateUser({
    UserPoolId: demo.pool,
    Username: email,
    UserAttributes: [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ],
    TemporaryPassword: "First-Time-1",
    MessageAction: "SUPPRESS",
  });
  const { page, context } = await person();
  await typeName(page, email);
  await page.getByRole("link", { name: "Try another way" }).click();
  await page.getByRole("button", { name: /Enter your password/ }).click();
  await page.getByLabel("Password", { exact: true }).fill("First-Time-1");
  await page.getByRole("button", { name: "Sign in" }).click();
  await isAt(page, "Choose a new password");
  await look(page, "9-new-password");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await problem(page).waitFor();
  await page.getByLabel("New password").fill("Their-Own-Words-2");
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await isAt(page, "You're signed in");
  await context.close();
});

test("who is signed in goes straight on, until signing out", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person();
  await typeName(page, email);
  await typeCode(page, await newestCode(email));
  await isAt(page, "You're signed in");
  await page.goto(`${url}/demo`);
  await isAt(page, "You're signed in");
  assert.equal((await mails(email)).length, 1);
  await page.getByRole("main").getByRole("link", { name: "Sign out" }).click();
  await page.waitForLoadState();
  await page.goto(`${url}/demo`);
  await isAt(page, "Sign in");
  await context.close();
});

test("the first page is small and keeps its cookie from scripts", async () => {
  const { page, context } = await person();
  const sizes = [];
  page.on("response", (response) => sizes.push(response.body().then((body) => body.length, () => 0)));
  await page.goto(`${url}/demo`, { waitUntil: "networkidle" });
  const sum = (await Promise.all(sizes)).reduce((all, size) => all + size, 0);
  assert.ok(sum < 40 * 1024, `${sum} bytes`);
  assert.equal(await page.evaluate(() => document.cookie), "");
  for (const cookie of await context.cookies()) {
    assert.ok(cookie.httpOnly, cookie.name);
    assert.equal(cookie.sameSite, "Lax", cookie.name);
  }
  await context.close();
});

test("a post from another site, or without the cookie, moves nothing along", async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person();
  await typeName(page, email);
  await isAt(page, "Check your email");
  const form = Object.fromEntries(
    await page.locator('form[action="/login/code"] input').evaluateAll((all) => all.map((one) => [one.name, one.value])),
  );
  form.code = await newestCode(email);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const post = (headers) =>
    fetch(`${url}/login/code`, { method: "POST", redirect: "manual", headers, body: new URLSearchParams(form) });
  for (const headers of [{ Origin: url }, { Cookie: cookie, Origin: "https://evil.example" }]) {
    const refused = await post(headers);
    assert.ok(!(refused.headers.get("location") ?? "").includes("code="), "moved along");
    assert.ok(refused.status >= 400 || refused.status === 303, String(refused.status));
  }
  await typeCode(page, form.code);
  await isAt(page, "You're signed in");
  await context.close();
});
