/* Keeps a [data-live] part of the page current: asks every two seconds, rests while the tab is hidden, says when it cannot. */
"use strict";

const EVERY = 2000;
let lastGood = Date.now();
let asking = false;

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
  if (document.hidden || asking || !live()) return;
  asking = true;
  htmx.trigger(live(), "live");
}

function good() {
  asking = false;
  lastGood = Date.now();
  say("ok", "Live");
}

function bad() {
  asking = false;
  const since = new Date(lastGood).toLocaleTimeString();
  say("act", `Not updated since ${since}. Trying again; reload the page if this stays.`);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.target.matches("[data-live]")) return;
  // 304: nothing changed. A person who is marking text keeps the mark until the next change.
  if (event.detail.xhr.status === 304) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt.matches("[data-live]")) return;
  const status = event.detail.xhr.status;
  if (status === 304 || (status >= 200 && status < 300)) good();
  else bad();
});
document.addEventListener("visibilitychange", ask);
setInterval(ask, EVERY);
