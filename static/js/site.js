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
