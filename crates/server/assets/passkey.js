// Passkeys on the sign-in pages: shown where the browser has them, asked for when the person wants one. Nothing but
// passkeys needs this.
"use strict";

{
  const keeper = window.PublicKeyCredential && navigator.credentials;
  const form = document.querySelector("form[data-passkey]");

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const named = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));

  // What the browser is to be asked: the server's words, with bytes where the browser wants them.
  async function options() {
    const answer = await fetch(form.dataset.options, { credentials: "same-origin" });
    if (!answer.ok) throw answer;
    const asked = await answer.json();
    asked.challenge = bytes(asked.challenge);
    if (asked.user) asked.user.id = bytes(asked.user.id);
    if (asked.excludeCredentials) asked.excludeCredentials = named(asked.excludeCredentials);
    if (asked.allowCredentials) asked.allowCredentials = named(asked.allowCredentials);
    return asked;
  }

  function send({ id, rawId, type, authenticatorAttachment, response }) {
    const said = { clientDataJSON: text(response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[part]) said[part] = text(response[part]);
    }
    if (response.getTransports) said.transports = response.getTransports();
    form.elements.credential.value = JSON.stringify({
      id,
      rawId: text(rawId),
      type,
      authenticatorAttachment,
      clientExtensionResults: {},
      response: said,
    });
    form.submit();
  }

  let waiting = new AbortController();

  // Lets the browser offer passkeys where a name is typed. The question is renewed before it is too old.
  async function offer() {
    waiting = new AbortController();
    const { signal } = waiting;
    const renew = setTimeout(() => (waiting.abort(), offer()), 4 * 60_000);
    signal.addEventListener("abort", () => clearTimeout(renew));
    try {
      send(await navigator.credentials.get({ publicKey: await options(), mediation: "conditional", signal }));
    } catch {
      // Nobody took one; the page asks for a name anyway.
    }
  }

  async function ask() {
    waiting.abort();
    const note = form.querySelector("[data-again]");
    if (note) note.textContent = "";
    try {
      const publicKey = await options();
      const make = form.dataset.passkey === "create";
      send(await (make ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey })));
    } catch (refused) {
      // The sign-in has gone on elsewhere: this page, opened again, leads to where it stands.
      if (refused.status === 409) return location.reload();
      if (note) note.textContent = note.dataset.again;
    }
  }

  if (keeper) {
    for (const element of document.querySelectorAll("[data-passkey-only]")) element.hidden = false;
    for (const element of document.querySelectorAll("[data-passkey-not]")) element.hidden = true;
    for (const field of document.querySelectorAll("input[data-passkey-can]")) {
      field.value = "use";
      PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable?.().then((can) => {
        if (can) field.value = "keep";
      });
    }
    form?.addEventListener("submit", (event) => {
      if (event.submitter?.name) return;
      event.preventDefault();
      ask();
    });
    if (form && "autofill" in form.dataset) {
      PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => can && offer());
    }
  }
}
