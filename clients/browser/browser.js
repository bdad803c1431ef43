// A person at a real browser: opens pages, and looks at them as they are shown, with an eye on accessibility.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { url } from "../postern.js";

const shots = fileURLToPath(new URL("../../shots", import.meta.url));
mkdirSync(shots, { recursive: true });

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const NARROWEST = { width: 320, height: 640 };

let browser;

export async function startBrowser() {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export async function stopBrowser() {
  await browser?.close();
}

/** A person with a browser of their own: no cookies, no history. Notes requests that leave the server's origin. */
export async function person({ scripts = true, ...options } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: scripts,
    locale: "en-US",
    reducedMotion: "reduce",
    viewport: DESK,
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const foreign = [];
  const note = (request) => {
    const isOurs = request.url().startsWith(url) || request.url().startsWith("data:");
    // What the page's own policy stopped has not left.
    if (!isOurs && request.failure()?.errorText !== "csp") foreign.push(request.url());
  };
  context.on("requestfinished", note);
  context.on("requestfailed", note);
  const page = await context.newPage();
  return { context, page, foreign };
}

/** Several people of one kind share out what there is to look at: as long as there is more, each takes the next. */
export async function shareOut(list, options, visit) {
  const rest = [...list];
  const people = await Promise.all(Array.from({ length: 2 }, () => person(options)));
  const work = async (one) => {
    // They keep one another waiting.
    one.context.setDefaultTimeout(45_000);
    for (let next = rest.shift(); next; next = rest.shift()) await visit(one, next);
    await one.context.close();
    return one.foreign;
  };
  return (await Promise.all(people.map(work))).flat();
}

/** A person whose device has a screen lock. */
export async function holder(options) {
  const one = await person(options);
  const session = await one.context.newCDPSession(one.page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const credentials = async () =>
    (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  const forget = () => session.send("WebAuthn.clearCredentials", { authenticatorId });
  const presence = (enabled) =>
    session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  return { ...one, credentials, forget, presence };
}

/**
 * Keeps pictures of the page, on a phone and on a desk, light and dark; finds no serious fault in any of them. What does not
 * hang on colours is looked for once for each size.
 */
export async function look(page, name) {
  for (const [size, viewport] of [["phone", PHONE], ["desk", DESK]]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}/${name}-${size}-${colorScheme}.png`, fullPage: true });
      await isAccessible(page, `${name}, ${size}, ${colorScheme}`, colorScheme === "dark" ? ["color-contrast"] : undefined);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(NARROWEST);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= NARROWEST.width, `${name} is ${width} px wide on a narrow phone`);
  await page.setViewportSize(DESK);
}

async function isAccessible(page, where, rules) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const kept = { iframes: false, preload: false, resultTypes: ["violations"] };
  const options = { ...kept, ...(rules && { runOnly: { type: "rule", values: rules } }) };
  const { violations } = await page.evaluate((asked) => window.axe.run(document, asked), options);
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = grave.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join("\n  ")}`);
  assert.deepEqual(told, [], where);
}

export const heading = (page, name) => page.getByRole("heading", { level: 1, name });

export async function isAt(page, title) {
  await heading(page, title).waitFor();
}

/** The address bar tells nothing that matters. */
export function tellsNothing(page, ...secrets) {
  for (const secret of secrets) {
    assert.ok(!decodeURIComponent(page.url()).includes(secret), `${page.url()} tells ${secret}`);
  }
}
