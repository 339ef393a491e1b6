/* Keeps a [data-live] part of the page current: asks every two seconds, rests while the tab is hidden, says when it cannot. */
"use strict";

const EVERY = 2000;
const SLOWLY = 5; // what is marked data-live-slow is asked for with every fifth tick only
let ticks = 0;
let lastGood = Date.now();
let asking = false;
let paused = false;

function live() {
  return document.querySelector("[data-live]");
}

function say(tone, text) {
  const status = document.querySelector("[data-live-status]");
  if (!status) return;
  const words = status.querySelector("[data-live-text]");
  status.dataset.tone = tone;
  if (words.textContent !== text) words.textContent = text;
}

function ask() {
  if (document.hidden || paused || asking || !live()) return;
  asking = true;
  htmx.trigger(live(), "live");
  const slow = document.querySelector("[data-live-slow]");
  ticks += 1;
  // Not under the hands of somebody who reads an open table there, or has come to it by keyboard.
  if (slow && ticks % SLOWLY === 0 && !slow.querySelector("details[open]") && !slow.contains(document.activeElement)) htmx.trigger(slow, "live");
}

/* What stands there is old: said above it, with a button that asks at once. */
function trouble(since) {
  const box = document.querySelector("[data-live-trouble]");
  if (!box) return;
  box.hidden = !since;
  box.querySelector("[data-live-since]").textContent = since;
  live()?.classList.toggle("stale", Boolean(since));
}

function good() {
  asking = false;
  lastGood = Date.now();
  trouble("");
  if (!paused) say("ok", "Live");
}

function bad() {
  asking = false;
  const since = new Date(lastGood).toLocaleTimeString();
  trouble(since);
  say("act", `Not updated since ${since}. Trying again; reload the page if this stays.`);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.target.matches("[data-live]")) return;
  // 304: nothing changed. A person who is marking text keeps the mark until the next change.
  if (event.detail.xhr.status === 304) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", (event) => {
  // Not detail.elt: what asked is gone once its answer took its place, and htmx names what stands above it then.
  if (!event.detail.requestConfig?.elt.matches("[data-live]")) return;
  const status = event.detail.xhr.status;
  if (status === 304 || (status >= 200 && status < 300)) good();
  else bad();
});
/* Who reads on may stop it; what is under way is still shown. */
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-live-retry]")) {
    say("off", "Asking again …");
    ask();
  }
  const toggle = event.target.closest("[data-live-toggle]");
  if (!toggle) return;
  paused = !paused;
  toggle.setAttribute("aria-pressed", String(!paused));
  if (paused) say("off", `Stopped at ${new Date(lastGood).toLocaleTimeString()}`);
  else ask();
});
/* How old what stands there is; not for those who listen, whom it would interrupt every second. */
setInterval(() => {
  const age = document.querySelector("[data-live-age]");
  if (age) age.textContent = paused ? "" : `updated ${Math.round((Date.now() - lastGood) / 1000)} s ago`;
}, 1000);
document.addEventListener("visibilitychange", ask);
setInterval(ask, EVERY);
