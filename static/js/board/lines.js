/* Lines from each section's row to its field, drawn over the gap between the two lists. Positions are read first, then written. */

const SVG = "http://www.w3.org/2000/svg";

/* A value held between two bounds, and whether it had to be. */
function held(value, low, high) {
  if (value < low) return [low, true];
  return value > high ? [high, true] : [value, false];
}

export class Lines {
  constructor(board) {
    this.board = board;
    this.svg = board.querySelector("#board-lines");
    this.sections = board.querySelector("[data-pane=sections]");
    this.fields = board.querySelector("[data-pane=fields]");
    this.paths = new Map();
    this.free = null;
    this.asked = 0;
    const again = () => this.draw();
    for (const pane of [this.sections, this.fields]) pane.addEventListener("scroll", again, { passive: true });
    const sizes = new ResizeObserver(again);
    for (const seen of [board, this.sections.firstElementChild, this.fields.firstElementChild]) if (seen) sizes.observe(seen);
    board.addEventListener("toggle", again, true);
  }

  /* At the next frame, once. */
  draw() {
    if (!this.asked) this.asked = requestAnimationFrame(() => this.now());
  }

  now() {
    this.asked = 0;
    if (!this.svg.getClientRects().length) return;
    const measured = this.measure();
    for (const [row, path] of this.paths) {
      if (!measured.has(row)) {
        path.remove();
        this.paths.delete(row);
      }
    }
    for (const [row, line] of measured) this.put(this.path(row), line);
  }

  measure() {
    const origin = this.svg.getBoundingClientRect();
    const left = this.sections.getBoundingClientRect();
    const right = this.fields.getBoundingClientRect();
    const places = new Map();
    for (const field of this.fields.querySelectorAll("[data-field]")) places.set(field.dataset.field, field);
    const measured = new Map();
    for (const row of this.sections.querySelectorAll(".map-row")) {
      const field = places.get(targetOf(row));
      if (!field) continue;
      const from = row.getBoundingClientRect();
      const [y1, awayLeft] = held(from.top + Math.min(from.height / 2, 20), left.top + 4, left.bottom - 4);
      const [y2, awayRight] = held(field.getBoundingClientRect().top + 17, right.top + 4, right.bottom - 4);
      if (awayLeft && awayRight) continue;
      measured.set(row, {
        d: curve(left.right - origin.left, y1 - origin.top, right.left - origin.left + 5, y2 - origin.top),
        away: awayLeft || awayRight,
        lit: row.matches(".is-lit, .is-carried"),
        problem: row.classList.contains("has-problem"),
      });
    }
    return measured;
  }

  path(row) {
    let path = this.paths.get(row);
    if (!path) {
      path = this.svg.appendChild(document.createElementNS(SVG, "path"));
      this.paths.set(row, path);
    }
    return path;
  }

  put(path, line) {
    path.setAttribute("d", line.d);
    path.classList.toggle("is-away", line.away);
    path.classList.toggle("is-lit", line.lit);
    path.classList.toggle("has-problem", line.problem);
  }

  /* The line that follows the pointer; without a place it goes. */
  drag(row, x, y) {
    if (x === undefined) {
      this.free?.remove();
      this.free = null;
      return;
    }
    const origin = this.svg.getBoundingClientRect();
    const from = row.getBoundingClientRect();
    if (!this.free) {
      this.free = this.svg.appendChild(document.createElementNS(SVG, "path"));
      this.free.classList.add("is-free");
    }
    const start = this.sections.getBoundingClientRect().right - origin.left;
    this.free.setAttribute("d", curve(start, from.top + 20 - origin.top, x - origin.left, y - origin.top));
  }
}

/* The field id a row's select (or, to be read only, its text) names. */
export function targetOf(row) {
  const select = row.querySelector(".map-target select");
  return select ? select.value : row.querySelector("[data-target]")?.dataset.target;
}

function curve(x1, y1, x2, y2) {
  const bend = Math.max(24, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
