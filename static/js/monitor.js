/* The monitor by keyboard (j, k: rows; r: the row's decisions; /: search) and the chart by dragging over its bars. */
"use strict";

function rowLinks() {
  return [...document.querySelectorAll(".deliveries .row-link")];
}

function step(by) {
  const links = rowLinks();
  const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector(".row-link"));
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function decide() {
  const link = document.activeElement?.closest(".deliveries tr")?.querySelector(".row-link");
  if (link) location.assign(`${link.href}#reason`);
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  r: decide,
  "/": () => document.getElementById("q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  const deed = KEYS[event.key];
  if (!deed || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  deed();
});

/* Dragging from one bar to another shows the time between them: a new request, with its own address. */
let from = null;

function column(event) {
  return document.elementFromPoint(event.clientX, event.clientY)?.closest(".outcomes a[data-since]");
}

function between(one, other) {
  const all = [...document.querySelectorAll(".outcomes a[data-since]")];
  const [first, last] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  return all.slice(first, last + 1);
}

document.addEventListener("pointerdown", (event) => {
  from = event.button === 0 ? (event.target.closest?.(".outcomes a[data-since]") ?? null) : null;
});
document.addEventListener("dragstart", (event) => {
  if (event.target.closest?.(".outcomes")) event.preventDefault();
});
document.addEventListener("pointermove", (event) => {
  if (!from) return;
  const to = column(event);
  if (!to) return;
  const chosen = new Set(between(from, to));
  for (const one of document.querySelectorAll(".outcomes a[data-since]")) one.classList.toggle("chosen", chosen.size > 1 && chosen.has(one));
});
document.addEventListener("pointerup", (event) => {
  const to = from && column(event);
  const chosen = to ? between(from, to) : [];
  from = null;
  if (chosen.length < 2) return;
  const query = new URLSearchParams({ since: chosen[0].dataset.since, until: chosen.at(-1).dataset.until });
  location.assign(`${document.querySelector(".outcomes").dataset.zoom}?${query}`);
});
