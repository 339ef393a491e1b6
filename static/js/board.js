/* The mapping board. Everything it changes is a value of the form, so that the page works the same without it. */
import { Carry } from "./board/carry.js";
import { History } from "./board/history.js";
import { Lines } from "./board/lines.js";

const TYPING = 120; // milliseconds of rest before typed text is checked and previewed

const board = document.getElementById("board");
const form = document.getElementById("mapping-form");
const lines = new Lines(board);
lines.draw();

/* The row under the pointer or with the focus has its line drawn strong. */
for (const kind of ["pointerover", "focusin"]) {
  board.addEventListener(kind, (event) => {
    const field = event.target.closest("[data-field]")?.dataset.field;
    const row = event.target.closest(".map-row");
    for (const one of board.querySelectorAll(".map-row")) {
      const lit = one === row || (field !== undefined && one.querySelector(".map-target select")?.value === field);
      one.classList.toggle("is-lit", lit);
    }
    lines.draw();
  });
}

if (board.querySelector("[data-grip]")) edit();

function edit() {
  const said = document.getElementById("board-said");
  const unsaved = document.querySelector("[data-unsaved]");
  const undo = form.querySelector("[data-undo]");
  const redo = form.querySelector("[data-redo]");
  for (const hidden of form.querySelectorAll("[data-grip], [data-board-tools]")) hidden.hidden = false;
  board.classList.add("has-grips");
  const history = new History(form, undo, redo);
  completeSelects();
  const preview = document.getElementById("preview");
  let typing = 0;
  let unchecked = false;

  function say(words) {
    said.textContent = words;
  }

  /* Tells the preview that the form is another. The check comes once that is shown: side by side they wait for each other. */
  function edited() {
    clearTimeout(typing);
    unsaved.hidden = !history.changed;
    for (const row of board.querySelectorAll(".map-row")) {
      row.classList.toggle("is-open", !row.querySelector(".map-target select").value);
    }
    lines.draw();
    unchecked = true;
    form.dispatchEvent(new CustomEvent("edited", { bubbles: true }));
    if (!preview) check();
  }

  function check() {
    if (unchecked) form.dispatchEvent(new CustomEvent("previewed", { bubbles: true }));
    unchecked = false;
  }

  function drop(row, fieldId) {
    const select = row.querySelector(".map-target select");
    select.value = fieldId;
    const to = select.selectedOptions[0]?.textContent ?? "No field";
    if (history.keep()) edited();
    say(fieldId ? `${row.dataset.name} goes to ${to}.` : `${row.dataset.name} has no field.`);
  }

  function step(direction) {
    const went = direction === "back" ? history.back() : history.forward();
    if (!went) return;
    edited();
    say(direction === "back" ? "Undone." : "Done again.");
  }

  new Carry(board, lines, drop, say);
  undo.addEventListener("click", () => step("back"));
  redo.addEventListener("click", () => step("forward"));
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.target.closest("input, textarea")) return; // the browser's own undo of what is typed
    event.preventDefault();
    step(event.shiftKey ? "forward" : "back");
  });
  form.addEventListener("change", () => history.keep() && edited());
  form.addEventListener("input", (event) => {
    if (!event.target.matches("input, textarea")) return;
    clearTimeout(typing);
    typing = setTimeout(() => history.keep() && edited(), TYPING);
  });
  /* Without a status it was given up for a newer one, which will be answered in its turn. */
  preview?.addEventListener("htmx:afterRequest", (event) => event.detail.xhr.status && event.detail.elt === preview && check());
  keepOpenParts();
  addEventListener("load", () => history.keep() && edited());
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "aside") showProblems();
    lines.draw();
  });
}

/* A large board's rows come with their own choice alone; the rest is added here from the one whole list. */
function completeSelects() {
  const whole = document.getElementById("connect_field");
  if (!whole) return;
  for (const select of board.querySelectorAll(".map-target select")) {
    const own = select.value;
    const missing = own && ![...whole.options].some((option) => option.value === own) ? select.selectedOptions[0] : null;
    select.replaceChildren(...[...whole.options].map((option) => option.cloneNode(true)));
    if (missing) select.append(missing);
    select.value = own;
  }
}

/* Each problem that the check found stands at its row too. */
function showProblems() {
  const found = new Map();
  for (const item of document.querySelectorAll("#aside [data-section]")) {
    found.set(item.dataset.section, [...(found.get(item.dataset.section) ?? []), item]);
  }
  for (const row of board.querySelectorAll(".map-row")) {
    const items = row.id ? (found.get(row.dataset.code) ?? []) : [];
    row.classList.toggle("has-problem", items.length > 0);
    row.querySelector(".map-problems").replaceChildren(
      ...items.map((item) => {
        const line = document.createElement("p");
        line.className = "map-problem";
        line.textContent = item.textContent.trim();
        return line;
      }),
    );
    row.querySelector(".map-target select").setAttribute("aria-invalid", items.length > 0);
  }
  lines.draw();
}

/* What a person opened in the preview stays open when it is replaced. */
function keepOpenParts() {
  let open = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    open = new Set([...event.detail.target.querySelectorAll("details[id][open]")].map((part) => part.id));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const part of event.detail.target.querySelectorAll("details[id]")) if (open.has(part.id)) part.open = true;
  });
}
