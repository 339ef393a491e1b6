/* Undo and redo: the form's values as they stood before each change. */

const KEPT = /^(rules-|catch_all)/;

export class History {
  constructor(form, undo, redo) {
    this.form = form;
    this.undo = undo;
    this.redo = redo;
    this.past = [];
    this.future = [];
    /* As the server sent it: a person may have been faster than this script, or the browser restored what was typed. */
    this.now = Object.fromEntries(this.kept().map((one) => [one.name, sent(one)]));
    this.first = JSON.stringify(this.now);
  }

  kept() {
    return [...this.form.elements].filter((one) => KEPT.test(one.name));
  }

  taken() {
    return Object.fromEntries(this.kept().map((one) => [one.name, one.value]));
  }

  /* Keep what stood before the change that was just made; false where nothing differs. */
  keep() {
    const after = this.taken();
    if (JSON.stringify(after) === JSON.stringify(this.now)) return false;
    this.past.push(this.now);
    this.future = [];
    this.now = after;
    this.show();
    return true;
  }

  /* Go one step back (or forward); false where there is none. */
  step(from, to) {
    const wanted = from.pop();
    if (!wanted) return false;
    to.push(this.now);
    for (const one of this.kept()) if (one.value !== wanted[one.name]) one.value = wanted[one.name];
    this.now = wanted;
    this.show();
    return true;
  }

  back() {
    return this.step(this.past, this.future);
  }

  forward() {
    return this.step(this.future, this.past);
  }

  get changed() {
    return JSON.stringify(this.now) !== this.first;
  }

  show() {
    this.undo.disabled = !this.past.length;
    this.redo.disabled = !this.future.length;
  }
}

function sent(one) {
  if (!one.options) return one.defaultValue ?? one.value;
  return ([...one.options].find((option) => option.defaultSelected) ?? one.options[0])?.value;
}
