/* Carry a section to a field: with a pointer by its dots, or with the keyboard. Nothing is changed before it is dropped. */

const EDGE = 36; // pixels from a list's end where it scrolls by itself
const STEP = 14;

export class Carry {
  /* `drop(row, fieldId)` makes the change, `say(words)` tells it. */
  constructor(board, lines, drop, say) {
    this.board = board;
    this.lines = lines;
    this.drop = drop;
    this.say = say;
    this.row = null;
    this.over = null;
    this.point = null;
    this.frame = 0;
    const sections = board.querySelector("[data-pane=sections]");
    this.pane = board.querySelector("[data-pane=fields]");
    sections.addEventListener("pointerdown", (event) => this.take(event));
    sections.addEventListener("keydown", (event) => this.key(event));
    sections.addEventListener("keyup", (event) => {
      if (event.target.matches("[data-grip]") && event.key === " ") event.preventDefault();
    });
    sections.addEventListener("click", (event) => this.press(event));
    sections.addEventListener("focusout", () => this.row && !this.point && this.cancel());
    document.addEventListener("pointermove", (event) => this.move(event));
    document.addEventListener("pointerup", (event) => this.release(event));
    document.addEventListener("pointercancel", () => this.point && this.cancel());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.point && this.cancel());
  }

  fields() {
    return [...this.pane.querySelectorAll("[data-field]")];
  }

  take(event) {
    const grip = event.target.closest("[data-grip]");
    const name = event.pointerType === "mouse" && event.target.closest(".map-name");
    if (event.button !== 0 || !(grip || name) || !this.board.classList.contains("has-grips")) return;
    event.preventDefault();
    const row = event.target.closest(".map-row");
    row.querySelector("[data-grip]").focus({ preventScroll: true });
    this.begin(row);
    this.point = { x: event.clientX, y: event.clientY, moved: false };
  }

  begin(row) {
    this.row = row;
    row.classList.add("is-carried");
    row.querySelector("[data-grip]").setAttribute("aria-pressed", "true");
    this.lines.draw();
  }

  move(event) {
    if (!this.point) return;
    this.point = { x: event.clientX, y: event.clientY, moved: true };
    if (!this.frame) this.frame = requestAnimationFrame(() => this.follow());
  }

  /* Once a frame: the line to the pointer, the field beneath it, and scrolling near the list's ends. */
  follow() {
    this.frame = 0;
    if (!this.point || !this.row) return;
    document.documentElement.classList.add("is-carrying");
    const { x, y } = this.point;
    this.mark(document.elementFromPoint(x, y)?.closest("[data-field]"));
    this.lines.drag(this.row, x, y);
    if (y > innerHeight - EDGE) scrollBy(0, STEP);
    const pane = this.pane.getBoundingClientRect();
    if (x < pane.left - EDGE || x > pane.right + EDGE) return;
    const before = this.pane.scrollTop;
    if (y < pane.top + EDGE) this.pane.scrollTop -= STEP;
    else if (y > pane.bottom - EDGE) this.pane.scrollTop += STEP;
    if (this.pane.scrollTop !== before) this.frame = requestAnimationFrame(() => this.follow());
  }

  mark(field) {
    if (field === this.over) return;
    this.over?.classList.remove("is-over");
    this.over = field ?? null;
    this.over?.classList.add("is-over");
  }

  release(event) {
    if (!this.point) return;
    const moved = this.point.moved;
    const field = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-field]");
    if (moved && field) this.settle(field);
    else this.cancel(moved);
  }

  key(event) {
    const grip = event.target.closest("[data-grip]");
    if (!grip) return;
    const keys = { Enter: "press", " ": "press", Escape: "leave", Delete: "off", Backspace: "off" };
    const act = keys[event.key];
    if (act === "press") this.row ? this.settle(this.over) : this.pick(grip);
    else if (act === "off") this.unmap(grip);
    else if (act === "leave" && this.row) this.cancel();
    else if (this.row && this.step(event.key)) this.tell();
    else return;
    event.preventDefault();
  }

  /* A click that no key and no pointer made: a screen reader's. */
  press(event) {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.detail !== 0) return;
    this.row ? this.settle(this.over) : this.pick(grip);
  }

  pick(grip) {
    const row = grip.closest(".map-row");
    this.begin(row);
    const now = row.querySelector(".map-target select").value;
    const fields = this.fields();
    this.mark(fields.find((field) => field.dataset.field === now) ?? fields[0]);
    this.over?.scrollIntoView({ block: "nearest" });
    this.say(`${row.dataset.name} picked up. ${this.words()} Arrow keys choose a field, Enter drops, Escape leaves it.`);
  }

  step(key) {
    const fields = this.fields();
    const at = fields.indexOf(this.over);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: fields.length - 1 }[key];
    if (to === undefined) return false;
    this.mark(fields[Math.max(0, Math.min(fields.length - 1, to))]);
    this.over?.scrollIntoView({ block: "nearest" });
    return true;
  }

  tell() {
    this.say(this.words());
  }

  words() {
    if (!this.over) return "No field.";
    const held = this.over.querySelector(".field-filled")?.textContent;
    const kind = "structured" in this.over.dataset ? ", takes coded entries only" : held ? `, holds ${held}` : ", empty";
    return `${this.over.dataset.name}${kind}.`;
  }

  settle(field) {
    const row = this.row;
    const refused = field && "structured" in field.dataset;
    if (!field || refused) {
      this.end();
      this.say(refused ? `${field.dataset.name} takes coded entries, not dictated text. ${row.dataset.name} stays.` : "Nothing changed.");
      return;
    }
    this.end();
    this.drop(row, field.dataset.field);
  }

  unmap(grip) {
    const row = grip.closest(".map-row");
    if (this.row) this.end();
    this.drop(row, "");
  }

  cancel(said = true) {
    const row = this.row;
    this.end();
    if (row && said) this.say(`${row.dataset.name} stays where it was.`);
  }

  end() {
    this.row?.classList.remove("is-carried");
    this.row?.querySelector("[data-grip]").setAttribute("aria-pressed", "false");
    this.row = null;
    this.point = null;
    this.mark(null);
    this.lines.drag();
    this.lines.draw();
    document.documentElement.classList.remove("is-carrying");
  }
}
