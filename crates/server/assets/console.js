// Makes the console pleasanter: lists that keep themselves up to date, a question before typed changes are left,
// callback addresses judged while they are typed, and previews that follow what is typed. Uses say() and localTimes() of postern.js.
"use strict";

for (const part of document.querySelectorAll("[data-live]")) {
  const look = async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const headers = { "x-postern-watch": part.dataset.watch };
    // Nobody answers, or not with the list: what stands there may be old, and says so.
    const answer = await fetch(part.dataset.live, { credentials: "same-origin", headers }).catch(() => null);
    const isStale = !answer?.ok || answer.redirected;
    if (isStale !== part.classList.contains("stale")) {
      part.classList.toggle("stale", isStale);
      say(isStale ? "This list could not be brought up to date." : "This list is up to date again.");
    }
    if (isStale) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    // Nothing is waited for any more: the page is another one now.
    if (!fresh) return location.reload();
    part.dataset.watch = fresh.dataset.watch;
    if (fresh.innerHTML === part.dataset.shown) return;
    part.dataset.shown = fresh.innerHTML;
    part.replaceChildren(...fresh.childNodes);
    localTimes(part);
    for (const button of part.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", () => copy(button));
    }
  };
  setInterval(look, part.dataset.every * 1000);
}

// Leaving with changes asks once.
for (const form of document.querySelectorAll("form.panel")) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}

// The rule for callback addresses, said while one types: the server has the last word.
function fault(line) {
  let address;
  try {
    address = new URL(line);
  } catch {
    return `${line} is not an absolute address like https://app.example.com/callback`;
  }
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(address.hostname);
  if (address.hash || line.includes("#")) return `${line} has a fragment (#), which is not allowed`;
  if (address.protocol.slice(0, -1) === "http" && !local) return `${line} must use https`;
  return "";
}

for (const field of document.querySelectorAll("textarea[name=callbacks], textarea[name=logouts]")) {
  const note = document.createElement("p");
  note.className = "hint";
  note.setAttribute("role", "status");
  field.after(note);
  field.addEventListener("input", () => {
    const lines = field.value.split("\n").map((line) => line.trim());
    note.textContent = lines.filter(Boolean).map(fault).find(Boolean) ?? "";
  });
}

// A colour is chosen as well as typed.
for (const field of document.querySelectorAll("input[name^=light-], input[name^=dark-]")) {
  const swatch = document.createElement("input");
  swatch.type = "color";
  swatch.className = "swatch";
  const label = `Choose: ${field.labels[0].firstChild.textContent.trim()}`;
  // Browsers know no colour that is none: what is not set is crossed out.
  const show = () => {
    const isSet = /^#[0-9a-f]{6}$/i.test(field.value);
    if (isSet) swatch.value = field.value;
    swatch.classList.toggle("unset", !isSet);
    swatch.setAttribute("aria-label", isSet ? label : `${label} (not set)`);
  };
  swatch.addEventListener("input", (event) => {
    event.stopPropagation();
    field.value = swatch.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  field.addEventListener("input", show);
  show();
  field.after(swatch);
}

// A preview follows what is typed.
for (const button of document.querySelectorAll("button[name=preview]")) {
  let timer;
  let newest = 0;
  const show = async () => {
    const mine = ++newest;
    const body = new URLSearchParams(new FormData(button.form));
    body.set("preview", "yes");
    const answer = await fetch(button.form.action, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok || mine !== newest) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-previews]");
    // A colour that is half typed is no reason to show something else.
    if (fresh && !page.querySelector("[aria-invalid], [role=alert]")) {
      document.querySelector("[data-previews]").replaceWith(fresh);
    }
  };
  button.form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  });
}

document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
