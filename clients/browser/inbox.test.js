// The local inbox as a developer uses it: two panes, live, the code big with Copy.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addUser, app, demo, freshAddress, mails, newestMail, ses, url } from "../postern.js";
import { isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const begin = (email) =>
  app.initiateAuth({
    ClientId: demo.client,
    AuthFlow: "USER_AUTH",
    AuthParameters: { USERNAME: email, PREFERRED_CHALLENGE: "EMAIL_OTP" },
  });

test("a mail arrives while one watches, and its code is copied", async () => {
  const email = await addUser(demo.pool);
  await begin(await addUser(demo.pool));
  const { page, context, foreign } = await person();
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  await page.goto(`${url}/inbox`);
  await isAt(page, "Inbox");
  const { Session } = await begin(email);
  const row = page.getByRole("link", { name: new RegExp(email) });
  await row.waitFor();
  await look(page, "14-inbox");

  await row.click();
  const { code } = await newestMail(email);
  await page.getByText(code, { exact: true }).first().waitFor();
  await page.getByRole("heading", { level: 2, name: "Your authentication code" }).waitFor();
  await page.frameLocator("iframe").getByText(`Your authentication code is ${code}.`).waitFor();
  await look(page, "15-inbox-mail");

  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Code copied").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), code);

  await page.evaluate(() => navigator.clipboard.writeText(""));
  await page.getByRole("article").press("c");
  await page.waitForFunction((wanted) => navigator.clipboard.readText().then((text) => text === wanted), code);

  for (const tab of ["Text", "Source", "Headers"]) {
    await page.getByRole("navigation").getByRole("link", { name: tab }).click();
    await page.getByRole("navigation").getByRole("link", { name: tab }).and(page.locator("[aria-current]")).waitFor();
  }

  await app.respondToAuthChallenge({
    ClientId: demo.client,
    ChallengeName: "EMAIL_OTP",
    Session,
    ChallengeResponses: { USERNAME: email, EMAIL_OTP_CODE: code },
  });
  assert.equal((await newestMail(email)).used, true);
  await page.reload();
  await page.getByText("Used", { exact: true }).waitFor();
  await page.goto(`${url}/inbox?q=${freshAddress("nobody")}`);
  await page.getByText("No mail matches").waitFor();
  await look(page, "16-inbox-nothing-found");
  assert.deepEqual(foreign, []);
  await context.close();
});

test("mails are found by address and deleted", async () => {
  const email = await addUser(demo.pool);
  await begin(email);
  await newestMail(email);
  const { page, context } = await person({ scripts: false });
  await page.goto(`${url}/inbox`);
  await page.getByLabel("Find by address or text").fill(email);
  await page.getByRole("button", { name: "Find" }).click();
  assert.equal(await page.locator("#list li").count(), 1);
  await page.getByRole("link", { name: new RegExp(email) }).click();
  await page.getByRole("button", { name: "Delete this mail" }).click();
  await page.waitForLoadState();
  assert.equal((await mails(email)).length, 0);
  await page.goto(`${url}/inbox?q=${freshAddress("nobody")}`);
  await page.getByText("No mail matches").waitFor();
  await context.close();
});

test("a mail's markup stays in its frame and runs nothing", async () => {
  const sender = freshAddress("sender");
  await ses.createEmailIdentity({ EmailIdentity: sender });
  const { page, context, foreign } = await person();
  const [link] = (await newestMail(sender)).text.match(/https?:\S+\/ses\/verify\?\S+/);
  await page.goto(link);
  await isAt(page, "Confirm this email address");
  await look(page, "17-confirm-address");
  await page.getByRole("button", { name: "Confirm this email address" }).click();
  await isAt(page, "Email address confirmed");
  await look(page, "18-address-confirmed");
  await page.goto(link);
  await isAt(page, "This link has expired");

  const friend = freshAddress("friend");
  const html = `<p>Hello</p><script>top.document.title="gone"</script><img src="https://evil.example/pixel">`;
  await ses.sendEmail({
    FromEmailAddress: sender,
    Destination: { ToAddresses: [friend] },
    Content: { Simple: { Subject: { Data: "<b>bold</b>" }, Body: { Html: { Data: html } } } },
  });
  const { id } = await newestMail(friend);
  foreign.length = 0;
  await page.goto(`${url}/inbox/${id}`);
  await page.frameLocator("iframe").getByText("Hello").waitFor();
  await page.getByRole("heading", { level: 2, name: "<b>bold</b>" }).waitFor();
  assert.notEqual(await page.title(), "gone");
  assert.deepEqual(foreign, []);
  await context.close();
});

test("other sites cannot read or empty the inbox", async () => {
  const rebound = await fetch(`${url}/inbox/api/messages`, { headers: { Origin: "https://evil.example" } });
  assert.equal(rebound.headers.get("access-control-allow-origin"), null);
  const emptied = await fetch(`${url}/inbox/api/messages`, {
    method: "DELETE",
    headers: { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
  });
  assert.equal(emptied.status, 403);
});
