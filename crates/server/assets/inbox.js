// Keeps the inbox's list live: on each event of /inbox/events it fetches the list anew. Uses say() and localTimes()
// of postern.js.
"use strict";

const list = document.getElementById("list");

async function refresh() {
  const answer = await fetch(list.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) return;
  const known = new Set(Array.from(list.querySelectorAll("[data-id]"), (row) => row.dataset.id));
  const wasEmpty = known.size === 0;
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  list.innerHTML = await answer.text();
  localTimes(list);
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  const fresh = Array.from(list.querySelectorAll("[data-id]")).filter((row) => !known.has(row.dataset.id));
  for (const row of fresh) row.classList.add("arrived");
  const words = (part) => fresh[0].querySelector(part).textContent;
  if (fresh.length > 0) say(`New mail for ${words(".to")}: ${words(".kind")}`);
  // The first mail brings "Clear all" and the reading pane along.
  if (wasEmpty && fresh.length > 0 && !document.querySelector("#q").value) location.reload();
}

const events = new EventSource("/inbox/events");
events.onmessage = refresh;
// After a pause in the connection something may have been missed.
events.onopen = refresh;
