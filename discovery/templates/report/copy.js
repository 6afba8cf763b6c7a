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
    for (let fold = node.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    select(node);
    if (!document.execCommand("copy")) return false;
  }
  return true;
}
for (const line of document.querySelectorAll("[data-copies]")) line.hidden = false;
for (const button of document.querySelectorAll("button[data-copy]")) {
  const name = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(document.getElementById(button.dataset.copy));
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
}
function save(name, type, text) {
  const link = document.createElement("a");
  link.download = name;
  link.href = type.startsWith("image/png") ? text : `data:${type};charset=utf-8,${encodeURIComponent(text)}`;
  link.click();
}
function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
function csv(columns) {
  const names = Object.keys(columns);
  const rows = Math.max(...names.map((name) => columns[name].length));
  const lines = [names.map(csvCell).join(",")];
  for (let i = 0; i < rows; i++) lines.push(names.map((name) => csvCell(columns[name][i])).join(","));
  return lines.join("\n") + "\n";
}
