/* The monitor by keyboard (j, k: rows; x: choose one; m: its menu; r: get it on its way again; /: search), the chosen
   rows, their menu, and the chart by dragging over its bars. */
"use strict";

function rowLinks() {
  return [...document.querySelectorAll(".deliveries .row-link")];
}

function step(by) {
  const links = rowLinks();
  const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector(".row-link"));
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function row() {
  return document.activeElement?.closest(".deliveries tr");
}

/* To the page that counts and asks; where nothing but a decision helps, to the delivery's own buttons. */
function again() {
  const link = row()?.querySelector(".row-link");
  if (!link) return;
  const { again: verb } = row().dataset;
  const bulk = row().closest("table").dataset.bulk;
  location.assign(verb && bulk ? `${bulk}${verb}/?id=${row().id.slice(1)}` : `${link.href}#reason`);
}

/* What is chosen is kept here: each update of the list brings new boxes. */
const chosen = new Set();

function boxes() {
  return [...document.querySelectorAll(".choose input[name=id]")];
}

function showChosen() {
  for (const box of boxes()) box.checked = chosen.has(box.value);
  const number = boxes().filter((box) => box.checked).length;
  const every = document.querySelector("[data-choose-all]");
  if (every) {
    every.checked = number > 0 && number === boxes().length;
    every.indeterminate = number > 0 && !every.checked;
  }
  const said = document.querySelector("[data-chosen]");
  if (said) said.textContent = number;
}

function choose(box, on) {
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
}

document.addEventListener("change", (event) => {
  if (event.target.matches(".choose input[name=id]")) choose(event.target, event.target.checked);
  else if (event.target.matches("[data-choose-all]")) for (const box of boxes()) choose(box, event.target.checked);
  else return;
  showChosen();
});
document.addEventListener("reset", (event) => {
  if (!event.target.matches("#chosen")) return; // not by .id: its boxes have that name
  chosen.clear();
  setTimeout(showChosen);
});
document.addEventListener("htmx:afterSwap", showChosen);
/* Who the patient is has taken the question's place, and the focus with it. */
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches?.("#row-menu #patient")) event.target.focus();
});
/* A page that the browser brings back has its boxes still ticked. */
addEventListener("pageshow", () => {
  for (const box of boxes()) choose(box, box.checked);
  showChosen();
});

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => row()?.querySelector(".choose input")?.click(),
  m: () => row()?.querySelector(".row-actions [data-menu]")?.click(),
  r: again,
  "/": () => document.getElementById("q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const deed = KEYS[event.key];
  if (!deed || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  deed();
});

/* A row's menu lives outside the list, so that an update of the list does not close it. */
async function openMenu(button) {
  const menu = document.getElementById("row-menu");
  await htmx.ajax("GET", button.dataset.menu, { target: "#row-menu", swap: "innerHTML" });
  if (!menu.childElementCount) menu.textContent = "This could not be loaded. Close it and try again.";
  menu.dataset.of = button.id;
  const at = button.getBoundingClientRect();
  menu.showPopover();
  menu.style.left = `${Math.max(8, at.right - menu.offsetWidth)}px`;
  menu.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.querySelector("input:not([type=hidden]), a, button")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-menu]");
  if (button) openMenu(button);
});
document.addEventListener(
  "toggle",
  (event) => {
    // Back to the row it was opened from; an update has put another button of the same id there.
    if (event.target.id !== "row-menu" || event.newState !== "closed") return;
    document.getElementById(event.target.dataset.of)?.focus();
    event.target.replaceChildren(); // a patient who was shown is shown once
  },
  true,
);
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("#row-menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("a, button")];
  items[(items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
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
  location.assign(`${document.querySelector(".outcomes").dataset.zoom}${query}`);
});
