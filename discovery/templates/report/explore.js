// Sliders: constants and features against the observations, and the path of candidates.
function slider(label, low, high, value, act, digits = short) {
  const shown = html("output", {}, digits(value));
  const input = html("input", { type: "range", min: 0, max: 1000, step: 1, value: Math.round(1000 * (value - low) / (high - low)), "aria-label": label });
  const at = () => low + (high - low) * input.value / 1000;
  input.addEventListener("input", () => { shown.textContent = digits(at()); act(at()); });
  const reset = () => { input.value = Math.round(1000 * (value - low) / (high - low)); shown.textContent = digits(value); };
  return { place: html("label", { class: "slider" }, label, shown, input), reset };
}
function reachOf(constant) {
  const room = Math.max(Number.isFinite(constant.error) ? 8 * constant.error : 0, 0.5 * Math.abs(constant.value)) || 1;
  return [constant.value - room, constant.value + room];
}
// the number to take for a constant beside that of the equation, where they differ
function recommendedWords() {
  const other = RUN.constants.filter((constant) => Number.isFinite(constant.recommended) && short(constant.recommended) !== short(constant.value));
  const said = other.map((constant) => `${constant.name} = ${short(constant.recommended)}`).join(", ");
  return said && ` Recommended is ${said}: the equation takes its features and forms for the true ones, the recommended number lets the other features act, too.`;
}
function drawFit(place) {
  const rows = RUN.rows, best = rows.predicted[RUN.model], targets = Object.keys(rows.observed);
  const alone = targets.length === 1, grid = html("div", { class: alone ? "" : "grid-of-charts" });
  const left = html("div", {}, grid), frame = html("div", { class: alone ? "fit" : "" }, left);
  const charts = Object.fromEntries(targets.map((target) => [target, chart(html2(grid), `observed ${target}`, scatterSpec(target, rows.observed[target], best[target]))]));
  const sampled = rows.part.length < rows.all ? `${rows.part.length} of ${rows.all} rows, evenly` : "all rows";
  place.append(frame);
  left.append(html("p", { class: "hint" }, `Predicted by the ${RUN.model} against observed; ${sampled}.`));
  if (!MODEL) return;
  if (!RUN.equations.process) {
    place.append(html("p", { class: "hint" }, "The process model is no formula, so that this page cannot evaluate it: there are no sliders here."));
    return;
  }
  const constants = printedConstants(), shifts = {}, resets = [];
  const redraw = () => {
    const columns = Object.fromEntries(Object.entries(rows.columns).map(([name, values]) => [name, shifts[name] ? values.map((v) => v + shifts[name]) : values]));
    const predicted = MODEL(columns, constants);
    for (const target of targets) charts[target].show(scatterSpec(target, rows.observed[target], predicted[target]));
  };
  const add = (list, label, low, high, value, act, digits) => {
    const made = slider(label, low, high, value, (v) => { act(v); redraw(); }, digits);
    resets.push(() => { act(value); made.reset(); });
    list.append(made.place);
  };
  const ofProcess = html("div", { class: "sliders" }), ofEquations = html("div", { class: "sliders" }), ofColumns = html("div", { class: "sliders" });
  for (const constant of RUN.constants) {
    const [low, high] = reachOf(constant), name = constant.latent && constant.latent !== constant.name ? `${constant.name}, ${constant.latent}` : constant.name;
    add(constant.latent ? ofEquations : ofProcess, withUnit(name, constant.unit), low, high, constant.value, (v) => { constants[constant.symbol] = v; });
  }
  const used = new Set([...RUN.equations.features, ...RUN.equations.forcings]);
  for (const name of used) {
    if (!rows.columns[name] || rows.classes?.[name] || typeof finite(rows.columns[name])[0] !== "number") continue;
    const [low, high] = extent(rows.columns[name]), span = 0.5 * (high - low);
    add(ofColumns, withUnit(`all ${name} moved by`, rows.units[name]), -span, span, 0, (v) => { shifts[name] = v; });
  }
  const back = html("button", { type: "button", onclick: () => { for (const reset of resets) reset(); redraw(); } }, "Back to the equation");
  frame.append(html("div", { class: "try" }, html("h3", {}, "Try it: move a constant or a column"), html("p", { class: "hint" }, `Constants begin at the values of the printed equation.${recommendedWords()}`), ofProcess, ofColumns,
    html("details", {}, html("summary", {}, "Constants of the equations"), ofEquations), back));
}
function drawPath(place) {
  const path = RUN.candidates, rows = RUN.rows;
  const chosen = Math.max(path.findIndex((candidate) => candidate.selected), 0);
  const words = html("p", { "aria-live": "polite" }), equations = html("div", { class: "path-equation scroll", tabindex: 0, role: "region", "aria-label": "Equations of the candidate" });
  const told = html("output", {}), input = html("input", { type: "range", min: 0, max: path.length - 1, value: chosen, "aria-label": "Candidate, from the simplest to the most accurate" });
  place.append(html("label", { class: "slider" }, "Candidate, from the simplest to the most accurate", told, input), words, equations);
  const grid = html("div", { class: "grid-of-charts" });
  place.append(grid);
  const lossSpec = (i) => ({ x: { label: "complexity" }, y: { label: "log10 of the loss" }, height: 230, layers: [
    { kind: "line", name: "path", class: "learned", x: path.map((candidate) => candidate.complexity), y: path.map((candidate) => Math.log10(candidate.loss)) },
    { kind: "points", name: "candidates", class: "one solid", r: 4, x: path.map((candidate) => candidate.complexity), y: path.map((candidate) => Math.log10(candidate.loss)), titles: path.map((candidate) => candidate.label) },
    { kind: "points", name: "shown", class: "two solid", r: 7, x: [path[i].complexity], y: [Math.log10(path[i].loss)] }] });
  const curve = chart(html2(grid), "path", lossSpec(chosen), "Loss against complexity; the large point is shown.");
  const target = rows && Object.keys(rows.observed)[0];
  const process = RUN.equations?.process;
  const fit = process && target ? chart(html2(grid), "candidate", scatterSpec(target, rows.observed[target], rows.predicted[RUN.model][target])) : null;
  const show = () => {
    const i = Number(input.value), candidate = path[i];
    told.textContent = `${i + 1} of ${path.length}`;
    const verdict = candidate.selected ? `This is the equation of the report; verdict: ${RUN.verdict}.` : "Not judged: only the chosen equation was; use model_selection to choose this candidate and have it judged.";
    words.textContent = `${candidate.label}: complexity ${short(candidate.complexity)}, loss ${short(candidate.loss)}, R² ${score(candidate.r2)}. ${verdict}`;
    // MathML was written by the toolkit from checked formulas, names escaped
    equations.innerHTML = Object.values(candidate.mathml).join("");
    curve.show(lossSpec(i));
    const kept = new Set(candidate.edges.map(([source, latent]) => `${source} -> ${latent}`));
    for (const edge of document.querySelectorAll(".network a")) {
      const name = edge.dataset.edge, known = edge.dataset.dropped ?? (edge.dataset.dropped = String(edge.classList.contains("dropped")));
      edge.classList.toggle("dropped", candidate.selected ? known === "true" : !kept.has(name));
    }
    if (fit) {
      const model = candidate.selected ? MODEL(rows.columns, printedConstants()) : compileModel(candidate.latents, process, RUN.equations.functions)(rows.columns, candidate.constants);
      fit.show(scatterSpec(target, rows.observed[target], model[target]));
    }
  };
  input.addEventListener("input", show);
  show();
}
if (view("fit") && RUN.rows) drawFit(view("fit"));
if (view("path") && RUN.candidates?.length) drawPath(view("path"));
