// Touching an edge of the graph picks its card; touching a card picks its edge.
const DOUBLE = (curve) => `${curve.source} -> ${curve.target}`;
// classes have one point each and no line between them
function classSpec(curve) {
  const x = curve.labels.map((_, i) => i);
  const layers = [{ kind: "histogram", name: "density", edges: curve.edges, heights: curve.density, share: 0.16, legend: "data" },
    { kind: "points", name: "learned", class: "two solid", r: 7, x, y: curve.spline, legend: "learned" }];
  if (curve.formula) layers.push({ kind: "points", name: "formula", class: "one solid", r: 4, x, y: curve.formula, legend: "formula" });
  // room for the points at both ends, and for the bars of the data below them
  const [low, high] = extent([...curve.spline, ...(curve.formula ?? [])]), room = 0.12 * (high - low);
  return { x: { label: curve.source, names: curve.labels }, y: { label: withUnit(`part of ${curve.target}`, curve.target_unit), range: [low - 2 * room, high + room] }, layers, height: 210 };
}
function curveSpec(curve) {
  if (curve.labels?.length) return classSpec(curve);
  const bands = (RUN.bands ?? []).filter((band) => band.source === curve.source && band.latent === curve.target);
  const layers = [{ kind: "histogram", name: "density", edges: curve.edges, heights: curve.density, share: 0.16, legend: "data" }];
  for (const band of bands) layers.push({ kind: "band", name: "band", x: band.x, low: band.low, high: band.high, legend: "95 % band" });
  // a factor of a product is a curve of the equation only
  const learned = curve.spline.some((value) => value !== null);
  if (learned) layers.push({ kind: "line", name: "learned", class: "learned", x: curve.x, y: curve.spline, legend: "learned" });
  const slopes = Object.entries(curve.by_class ?? {});
  for (const [label, y] of slopes) layers.push({ kind: "line", name: `formula, ${label}`, class: "one", x: curve.x, y, legend: label });
  if (curve.formula && !slopes.length) layers.push({ kind: "line", name: "formula", class: "one", x: curve.x, y: curve.formula, legend: "formula" });
  const part = learned ? `part of ${curve.target}` : `factor of ${curve.target}`;
  return { x: { label: withUnit(curve.source, curve.unit), range: [curve.x[0], curve.x.at(-1)] }, y: { label: withUnit(part, curve.target_unit) }, layers, height: 210 };
}
function pick(name) {
  for (const element of document.querySelectorAll(".picked")) element.classList.remove("picked");
  for (const edge of document.querySelectorAll(".network a")) if (edge.dataset.edge === name) edge.classList.add("picked");
  const cards = [...document.querySelectorAll("[data-card]")].filter((element) => element.dataset.card === name);
  for (const element of cards) {
    element.classList.add("picked");
    const fold = element.closest("details");
    if (fold) fold.open = true;
  }
  return cards[0];
}
for (const place of document.querySelectorAll("[data-chart=curve]")) {
  // a feature with a slope for each class enters its latent through a product
  const through = (curve) => Object.keys(curve.by_class ?? {}).length && place.dataset.edge.startsWith(`${curve.source} -> h`);
  const curves = RUN.curves ?? [];
  const curve = curves.find((curve) => DOUBLE(curve) === place.dataset.edge) ?? curves.find(through);
  if (curve) chart(place, `curve ${place.dataset.edge}`, curveSpec(curve));
}
for (const edge of document.querySelectorAll(".network a")) {
  for (const kind of ["mouseenter", "focus"]) edge.addEventListener(kind, () => pick(edge.dataset.edge));
  edge.addEventListener("click", (event) => {
    event.preventDefault();
    const card = pick(edge.dataset.edge);
    card?.scrollIntoView({ block: "nearest" });
  });
}
for (const card of document.querySelectorAll("[data-card]")) card.addEventListener("click", () => pick(card.dataset.card));
for (const graph of document.querySelectorAll(".graph")) {
  const shown = () => [...graph.querySelectorAll("svg")].find((svg) => svg.getBoundingClientRect().width > 0);
  const columns = () => ({ edge: RUN.curves?.map(DOUBLE) ?? [], share: RUN.curves?.map((curve) => curve.importance) ?? [], family: RUN.curves?.map((curve) => curve.family) ?? [] });
  const tools = html("div", { class: "chart-tools" });
  for (const [text, act] of [["SVG", () => save("graph.svg", "image/svg+xml", standalone(shown()))], ["PNG", () => savePng(shown(), "graph")], ["CSV", () => save("graph.csv", "text/csv", csv(columns()))]]) {
    tools.append(html("button", { type: "button", title: `Save the graph as ${text}`, onclick: act }, text));
  }
  graph.after(tools);
}
