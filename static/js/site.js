/* The few things a page cannot do without a script: close menus, copy a value, close a drawer. */
"use strict";

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard.writeText(copy.dataset.copy).then(() => {
      const said = copy.querySelector("[data-copy-said]");
      if (said) said.textContent = "Copied";
    });
  }
  const close = event.target.closest("[data-close]");
  if (close) document.querySelector(close.dataset.close)?.replaceChildren();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
    return;
  }
  document.querySelector("[data-close]")?.click();
});

/* A form marked data-autosubmit sends itself when one of its fields changes. */
document.addEventListener("change", (event) => {
  event.target.closest("form[data-autosubmit]")?.requestSubmit();
});

/* Another view of the same page is on its way: its skeleton is shown, after a moment in which most have come. */
const PATIENCE = 150; // milliseconds
let patience = 0;

function onItsWay() {
  patience = setTimeout(() => document.querySelector("main")?.setAttribute("aria-busy", "true"), PATIENCE);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("main a[href]");
  const elsewhere = event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey;
  if (!link || elsewhere || link.hasAttribute("download") || link.target) return;
  if (link.pathname === location.pathname && link.search !== location.search) onItsWay();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.closest("main") && form.method === "get" && new URL(form.action).pathname === location.pathname) onItsWay();
});
addEventListener("pageshow", () => {
  clearTimeout(patience);
  document.querySelector("main")?.removeAttribute("aria-busy");
});

/* Figures that do not follow by themselves say so once they are old, and can be loaded again. */
const loaded = Date.now();

setInterval(() => {
  const box = document.querySelector("[data-stale-after]");
  if (!box || Date.now() - loaded < 1000 * box.dataset.staleAfter) return;
  box.querySelector("[data-stale-since]").textContent = new Date(loaded).toLocaleTimeString();
  box.hidden = false;
}, 5000);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-reload]")) location.reload();
});

/* A part that a person asked for and that did not come says so where it was asked for; what asks by itself tells it elsewhere. */
function byItself(element) {
  return Boolean(element?.matches("[data-live], [data-live-slow]"));
}

function notCome(event) {
  const asked = event.detail.requestConfig?.elt;
  const { status } = event.detail.xhr;
  if (!asked || byItself(asked) || (status > 0 && status < 500)) return;
  const said = document.createElement("p");
  said.className = "message tone-act";
  said.setAttribute("role", "alert");
  said.dataset.notCome = "";
  said.textContent = "This could not be loaded: the server failed or cannot be reached. Try again.";
  if (asked.isConnected) asked.after(said);
  else document.querySelector("main")?.prepend(said);
}

// Not afterRequest: one that was broken off for the next has not failed.
document.addEventListener("htmx:responseError", notCome);
document.addEventListener("htmx:sendError", notCome);
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!byItself(event.detail.elt)) document.querySelector("[data-not-come]")?.remove();
});
