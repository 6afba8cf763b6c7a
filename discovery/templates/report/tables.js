// Tables are sorted by their heads, filtered by a word where they are long, and saved.
const LONG = 6;
function cellValue(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.textContent.trim().toLowerCase();
}
function compare(a, b) {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
}
function sortBy(table, column, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => (down ? -1 : 1) * compare(cellValue(a.cells[column]), cellValue(b.cells[column])));
  table.tBodies[0].append(...rows);
}
function tableColumns(table) {
  const heads = [...table.tHead.rows[0].cells];
  return Object.fromEntries(heads.map((head, i) => [head.textContent, [...table.tBodies[0].rows].map((row) => {
    const cell = row.cells[i];
    const drawn = cell.querySelector("svg[aria-label]");
    return drawn ? drawn.getAttribute("aria-label") : cell.dataset.value ?? cell.textContent.trim();
  })]));
}
function captionOf(table) { return document.getElementById(table.getAttribute("aria-labelledby")); }
function filterBox(table) {
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = "filter rows";
  box.setAttribute("aria-label", `Filter: ${captionOf(table).textContent}`);
  box.addEventListener("input", () => {
    const word = box.value.toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(word);
  });
  return box;
}
function equipTable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(table, column, head));
    head.replaceChildren(button);
  });
  const tools = document.createElement("div");
  tools.className = "table-tools";
  if (table.tBodies[0].rows.length > LONG) tools.append(filterBox(table));
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "CSV";
  button.title = "Save this table";
  button.addEventListener("click", () => save(`${table.id || "table"}.csv`, "text/csv", csv(tableColumns(table))));
  tools.append(button);
  captionOf(table).after(tools);
}
for (const table of document.querySelectorAll("[data-table] table")) equipTable(table);
