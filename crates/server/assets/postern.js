// Makes pages pleasanter: busy buttons, countdowns, "Show", ticks beside password rules, copying, times in the
// reader's own zone. Nothing here is needed for a form to work.
"use strict";

const minute = 60;

// For those who listen; pages that speak have this place.
function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

function counted(element, n) {
  return (n === 1 ? element.dataset.one : element.dataset.other).replace("{n}", n);
}

// A pressed button keeps its width, says so, and ignores a second press; it comes back after 10 seconds.
function settle(form, button, label, note, words) {
  delete form.dataset.pressed;
  button.removeAttribute("aria-busy");
  button.innerHTML = label;
  button.style.minWidth = "";
  note.textContent = words;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.dataset.busy) return;
  if (form.dataset.pressed) {
    event.preventDefault();
    return;
  }
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  if (!button) return;
  form.dataset.pressed = "yes";
  const label = button.innerHTML;
  button.style.minWidth = `${button.offsetWidth}px`;
  button.setAttribute("aria-busy", "true");
  button.textContent = form.dataset.busy;
  const note = form.querySelector(".late") ?? document.createElement("p");
  note.className = "hint late";
  note.setAttribute("role", "status");
  note.textContent = "";
  form.append(note);
  const late = setTimeout(() => settle(form, button, label, note, form.dataset.slow), 10_000);
  addEventListener("pageshow", () => (clearTimeout(late), settle(form, button, label, note, "")), { once: true });
  if ("inPlace" in form.dataset) inPlace(event, form);
});

// What leads back to this page takes its place, so that "Back" leads to where the person was before.
async function inPlace(event, form) {
  event.preventDefault();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.redirected) return location.replace(answer.url);
  } catch {
    // The browser posts it itself.
  }
  form.submit();
}

// "Send a new code" counts down, stays in reach while it waits, and says why when pressed.
for (const button of document.querySelectorAll("[data-wait]")) {
  const ready = performance.now() + button.dataset.wait * 1000;
  const left = () => Math.ceil((ready - performance.now()) / 1000);
  const seconds = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second" });
  const show = () => {
    if (left() > 0) {
      button.dataset.waiting = seconds.format(left());
    } else {
      delete button.dataset.waiting;
      clearInterval(timer);
    }
  };
  const timer = setInterval(show, 1000);
  show();
  button.form.addEventListener("submit", (event) => {
    if (left() <= 0) return;
    event.preventDefault();
    document.querySelector(".status").textContent = counted(button, left());
  });
}

// "2 min left": quiet, announced once, at one minute.
for (const hint of document.querySelectorAll("[data-left]")) {
  const end = performance.now() + hint.dataset.left * 1000;
  let minutes = Infinity;
  const show = () => {
    const now = Math.ceil((end - performance.now()) / 1000 / minute);
    if (now === minutes) return;
    hint.hidden = now < 1;
    hint.textContent = now < 1 ? "" : counted(hint, now);
    if (now === 1 && minutes === 2) say(hint.textContent);
    if (now < 1) clearInterval(timer);
    minutes = now;
  };
  const timer = setInterval(show, 1000);
  show();
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const { selectionStart, selectionEnd } = field;
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    field.setSelectionRange(selectionStart, selectionEnd);
  });
  field.form.addEventListener("submit", () => (field.type = "password"));
}

for (const rule of document.querySelectorAll("[data-rule]")) {
  const field = document.getElementById(rule.dataset.for);
  const demand = new RegExp(rule.dataset.rule);
  field.addEventListener("input", () => rule.classList.toggle("met", demand.test(field.value)));
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    say(button.dataset.copied);
    const label = button.textContent;
    button.textContent = "✓";
    setTimeout(() => (button.textContent = label), 1500);
  } catch {
    getSelection().selectAllChildren(source);
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

// A letter works only while its part of the page has the focus, and not while somebody types.
for (const part of document.querySelectorAll("[data-keys]")) {
  part.tabIndex = 0;
  part.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
    part.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  });
}

function localTimes(root) {
  const short = { hour: "2-digit", minute: "2-digit" };
  const long = { dateStyle: "medium", timeStyle: "medium" };
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    const today = date.toDateString() === new Date().toDateString();
    const form = "short" in time.dataset ? (today ? short : { dateStyle: "medium" }) : long;
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, form).format(date);
    time.title = time.dateTime;
  }
}

localTimes(document);

// An answer to an app that is to be posted goes without a press.
document.querySelector("form[data-post]")?.submit();
