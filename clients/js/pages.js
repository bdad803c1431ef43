// A person without scripts: opens the sign-in pages by fetch, fills in their forms, and ends at the app's address.

import { get } from "node:http";
import { newestCode, url } from "../postern.js";

/** The cookies of one browser. */
export class Jar {
  #cookies = new Map();

  keep(response) {
    for (const cookie of response.headers.getSetCookie()) {
      const [pair] = cookie.split(";");
      this.#cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
  }

  header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

function hidden(html, action) {
  const form = html.split(`action="${action}"`)[1]?.split("</form>")[0];
  if (form === undefined) throw new Error(`no form for ${action}: ${html}`);
  return [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
}

/** Where an answer leads on to: a redirect, or a page that goes on by itself. */
export function goesOn(response) {
  return response.headers.get("location") ?? response.headers.get("refresh")?.replace(/^0;url=/, "");
}

/** Signs a person in by a mailed code; gives the address that the browser is sent back to. */
export async function signIn(start, email, jar = new Jar()) {
  const ask = async (to, init = {}) => {
    let next = new URL(to, url);
    for (;;) {
      const response = await fetch(next, { ...init, redirect: "manual", headers: { ...init.headers, cookie: jar.header() } });
      jar.keep(response);
      const location = goesOn(response);
      if (!location) return { html: await response.text() };
      next = new URL(location, next);
      if (!next.href.startsWith(`${url}/`)) return { back: next };
      init = {};
    }
  };
  const press = (html, action, fields) =>
    ask(action, { method: "POST", headers: { origin: url }, body: new URLSearchParams([...hidden(html, action), ...fields]) });
  const first = await ask(start);
  const second = await press(first.html, "/login", [["username", email]]);
  const { back } = await press(second.html, "/login/code", [["code", await newestCode(email)]]);
  return back;
}

/** Where an address leads that is opened as a page, which fetch does not do. */
export function leadsTo(address, headers = {}) {
  return new Promise((done, fail) => {
    get(address, { headers }, (response) => done(goesOn({ headers: new Headers(response.resume().headers) }))).on("error", fail);
  });
}
