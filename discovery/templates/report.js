"use strict";
function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}
async function copy(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
  } catch {
    select(node);
    if (!document.execCommand("copy")) return false;
  }
  return true;
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  const name = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(document.getElementById(button.dataset.copy));
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
}
