// The look of the pages: in other languages, in an app's own colours, and where the app is wrong.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { after, before, test } from "node:test";
import { addUser, admin, demo, makePool, newestCode, url } from "../postern.js";
import { heading, isAt, look, person, startBrowser, stopBrowser } from "./browser.js";

before(startBrowser);
after(stopBrowser);

const LANGUAGES = ["de", "es", "fr", "id", "it", "ja", "ko", "pt-BR", "zh-CN", "zh-TW"];

/** A picture of one colour, as a PNG. */
function picture(width, height, [red, green, blue]) {
  const table = Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n >>> 0;
  });
  const crc = (bytes) => ~bytes.reduce((sum, byte) => table[(sum ^ byte) & 255] ^ (sum >>> 8), -1) >>> 0;
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.of(0), Buffer.concat(Array(width).fill(Buffer.of(red, green, blue)))]);
  const data = deflateSync(Buffer.concat(Array(height).fill(row)));
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

const oauth = {
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code"],
  AllowedOAuthScopes: ["openid", "email"],
  CallbackURLs: ["http://localhost:3999/callback"],
  LogoutURLs: ["http://localhost:3999/bye"],
};

const start = (client, more = {}) =>
  `${url}/oauth2/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: "http://localhost:3999/callback",
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    ...more,
  })}`;

test("a first visit moves at most 40 KiB, and nothing from elsewhere", async () => {
  const { page, context, foreign } = await person();
  const bodies = [];
  page.on("response", (response) => bodies.push(response.body().catch(() => Buffer.alloc(0))));
  await page.goto(`${url}/demo`, { waitUntil: "networkidle" });
  await isAt(page, "Sign in");
  const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
  assert.ok(bytes > 1000 && bytes <= 40 * 1024, `${bytes} bytes`);
  assert.deepEqual(foreign, []);
  await context.close();
});

test("the pages speak each language in full", async () => {
  const pool = await makePool({ client: oauth });
  const email = await addUser(pool.id);
  for (const lang of LANGUAGES) {
    const { page, context } = await person();
    await page.goto(start(pool.client, { lang }));
    assert.equal(await page.locator("html").getAttribute("lang"), lang);
    const words = async () => (await page.locator("main").innerText()) + (await page.title());
    assert.doesNotMatch(await words(), /Sign in|Next|Email address/);
    if (["de", "ja"].includes(lang)) await look(page, `20-sign-in-${lang}`);
    await page.locator("#username").fill(email);
    await page.keyboard.press("Enter");
    await page.locator("#code").waitFor();
    assert.doesNotMatch(await words(), /Check|code to|Verification/);
    if (["de", "ja"].includes(lang)) await look(page, `21-check-your-email-${lang}`);
    await context.close();
  }
});

test("a language is chosen by keyboard, and remembered", async () => {
  const { page, context } = await person();
  await page.goto(`${url}/demo`);
  await page.locator(".languages summary").focus();
  await page.keyboard.press("Enter");
  await look(page, "22-languages");
  await page.getByRole("link", { name: "Deutsch" }).focus();
  await page.keyboard.press("Enter");
  await isAt(page, "Anmelden");
  await page.goto(`${url}/demo`);
  await isAt(page, "Anmelden");
  await context.close();
});

test("an app's own look can be read, whatever colours it asks for", async () => {
  const pool = await makePool({ client: { ...oauth, ClientName: "Shop" } });
  const email = await addUser(pool.id, { password: "Correct-Horse-7" });
  const colours = (button, ground) => ({
    primaryButton: { defaults: { backgroundColor: button, textColor: "ffffffff" } },
    pageBackground: { color: ground },
  });
  const components = {};
  for (const [mode, button, ground] of [["lightMode", "ffd200ff", "ffe9f2ff"], ["darkMode", "400030ff", "1a0a14ff"]]) {
    for (const [name, value] of Object.entries(colours(button, ground))) components[name] = { ...components[name], [mode]: value };
  }
  await admin.createManagedLoginBranding({
    UserPoolId: pool.id,
    ClientId: pool.client,
    Settings: {
      components: { ...components, form: { borderRadius: 4 } },
      componentClasses: { buttons: { borderRadius: 24 } },
      texts: { default: { heading: "Welcome to the shop", instructions: "Sign in with the address that you order with." } },
      links: { privacy: "https://shop.example/privacy", help: "https://shop.example/help" },
    },
    Assets: [
      { Category: "FORM_LOGO", ColorMode: "LIGHT", Extension: "PNG", Bytes: picture(160, 48, [122, 31, 94]) },
      { Category: "FORM_LOGO", ColorMode: "DARK", Extension: "PNG", Bytes: picture(160, 48, [255, 210, 0]) },
    ],
  });
  const { page, context, foreign } = await person();
  await page.goto(start(pool.client));
  await isAt(page, "Welcome to the shop");
  await page.getByRole("img", { name: "Shop" }).waitFor();
  await look(page, "23-own-look");
  await page.locator("#username").fill(email);
  await page.keyboard.press("Enter");
  await isAt(page, "Check your email");
  await look(page, "24-own-look-code");
  assert.deepEqual(foreign, []);
  await context.close();
});

for (const scripts of [true, false]) test(`signing out asks first, by keyboard alone, ${scripts ? "with" : "without"} scripts`, async () => {
  const email = await addUser(demo.pool);
  const { page, context } = await person({ scripts });
  await page.goto(`${url}/demo`);
  await page.getByLabel("Email address").fill(email);
  await page.keyboard.press("Enter");
  await page.getByLabel("Verification code").fill(await newestCode(email));
  await page.keyboard.press("Enter");
  await isAt(page, "You're signed in");
  await page.goto(`${url}/logout`);
  await isAt(page, "Do you want to sign out?");
  if (scripts) await look(page, "25-sign-out");
  await page.getByRole("button", { name: "Sign out" }).focus();
  await page.keyboard.press("Enter");
  await isAt(page, "You're signed out");
  if (scripts) await look(page, "26-signed-out");
  await page.reload();
  await isAt(page, "You're signed out");
  await context.close();
});

test("pages for developers say what is wrong", async () => {
  const pool = await makePool({ client: oauth });
  const { page, context } = await person();
  for (const [name, address, words] of [
    ["27-unknown-app", start("unknown"), "This app isn't set up here."],
    ["28-address-refused", start(pool.client, { redirect_uri: "https://localhost:3999/callback/" }), "The app sent an address that isn't allowed."],
    ["29-request-wrong", `${url}/oauth2/authorize`, "The app's request isn't complete."],
    ["30-error", `${url}/error?error=invalid_request`, "The app's request isn't complete."],
    ["31-expired", `${url}/login?flow=unknown`, "This page has expired."],
  ]) {
    await page.context().addCookies([{ name: "postern", value: "x", url }]);
    await page.goto(address);
    await heading(page, words).waitFor();
    await page.getByText("Details for developers").waitFor();
    await look(page, name);
  }
  await context.close();
});
