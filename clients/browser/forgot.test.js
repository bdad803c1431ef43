// A forgotten password on the pages, from the demo app and back to it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addUser, demo, newestMail, url, wrong } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser, tellsNothing } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const FORGOTTEN = "Correct-Horse-7";
const NEW = "Another-Horse-8";

for (const scripts of [true, false]) {
  test(`whoever forgot their password chooses a new one and is in, ${scripts ? "with" : "without"} scripts`, async () => {
    const email = await addUser(demo.pool, { password: FORGOTTEN });
    const { page, context, foreign } = await person({ scripts });
    const see = (name) => (scripts ? look(page, name) : undefined);
    await page.goto(`${url}/demo`);
    await isAt(page, "Sign in");
    await page.getByLabel("Email address").fill(email);
    await page.getByRole("button", { name: "Next" }).click();
    await isAt(page, "Check your email");
    const first = await newestMail(email);
    await page.getByRole("link", { name: "Try another way" }).click();
    await page.getByRole("button", { name: "Enter your password" }).click();
    await isAt(page, "Enter your password");
    await see("forgot-1-link");

    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await isAt(page, "Reset your password");
    assert.equal(await page.getByLabel("Email address").inputValue(), email);
    await see("forgot-2-name");
    await page.getByLabel("Email address").fill("nobody");
    await page.getByRole("button", { name: "Send a code" }).click();
    await page.getByRole("alert").getByText("Enter an email address like name@example.com.").waitFor();
    await see("forgot-3-no-name");
    await page.getByLabel("Email address").fill(email);
    await page.getByRole("button", { name: "Send a code" }).click();

    await isAt(page, "Choose a new password");
    await page.getByText("If there is an account, we sent a code to").waitFor();
    tellsNothing(page, email, "@");
    const code = page.getByLabel("Verification code");
    const password = page.getByRole("textbox", { name: "New password" });
    const save = page.getByRole("button", { name: "Save and sign in" });
    assert.equal(await code.getAttribute("autocomplete"), "one-time-code");
    assert.equal(await password.getAttribute("autocomplete"), "new-password");
    const focused = () => page.evaluate(() => document.activeElement.id);
    if (scripts) assert.equal(await focused(), "code");
    await see("forgot-4-code");

    const sent = await newestMail(email, [first]);
    assert.match(sent.code, /^\d{6}$/);
    await code.fill(wrong(sent.code));
    await password.fill(NEW);
    await save.click();
    await page.getByRole("alert").getByText("That code isn't right.").waitFor();
    await see("forgot-5-wrong");
    await code.fill(sent.code);
    await password.fill("short");
    await save.click();
    await page.getByRole("alert").getByText("That password doesn't have everything on the list.").waitFor();
    // Both are typed anew, and the code comes first.
    if (scripts) assert.equal(await focused(), "code");
    await see("forgot-6-weak");
    await code.fill(sent.code);
    await password.fill(NEW);
    await page.keyboard.press("Enter");
    await isAt(page, "You're signed in");
    assert.ok((await page.getByRole("main").textContent()).includes(email));
    tellsNothing(page, email, sent.code, NEW);
    assert.deepEqual(foreign, []);
    await context.close();
  });
}
