// Makes the console pleasanter: lists that keep themselves up to date, a question before typed changes are left, and
// callback addresses judged while they are typed. Uses say() and localTimes() of postern.js.
"use strict";

for (const part of document.querySelectorAll("[data-live]")) {
  const look = async () => {
    if (document.hidden || part.contains(document.activeElement)) return;
    const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (!fresh || fresh.innerHTML === part.dataset.shown) return;
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

document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
