/* All the issues of the page chosen at once. */
"use strict";

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose-issues]")) return;
  for (const box of event.target.form.querySelectorAll("input[name=id]")) box.checked = event.target.checked;
});
