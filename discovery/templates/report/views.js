// Views of the data: residuals, time, sites, reach, profiles, training, rows left out.
const PALETTE = ["one", "two", "three"];
function view(name) { return document.querySelector(`[data-view=${name}]`); }
function agreement(observed, predicted) {
  let n = 0, sum = 0, squares = 0, error = 0, bias = 0;
  observed.forEach((y, i) => {
    const p = predicted[i];
    if (y === null || p === null || !Number.isFinite(y) || !Number.isFinite(p)) return;
    n += 1; sum += y; squares += y * y; error += (y - p) ** 2; bias += p - y;
  });
  const variance = squares - sum * sum / n;
  return { n, r2: variance > 0 ? 1 - error / variance : NaN, rmse: Math.sqrt(error / n), bias: bias / n };
}
// the numbers beside the points are those of the test rows, where there are any
// Both axes are one, so that the diagonal halves the picture, and stay while sliders move. A
// prediction further out than the observations are wide would press them into a corner.
function fitRange(target) {
  const [low, high] = extent(RUN.rows.observed[target]), wide = high - low;
  const ours = extent(finite(RUN.rows.predicted[RUN.model][target]).filter((v) => v > low - wide && v < high + wide));
  return [Math.min(low, ours[0]) - 0.06 * wide, Math.max(high, ours[1]) + 0.06 * wide];
}
function scatterSpec(target, observed, predicted) {
  const unit = (RUN.rows.units ?? {})[target] ?? "", test = RUN.rows.part.map((part) => part === "test");
  const held = test.some(Boolean), only = (values, wanted) => values.filter((_, i) => test[i] === wanted);
  const fit = agreement(only(observed, held), only(predicted, held));
  // rows travel with seven digits: smaller differences are not in this page
  const finest = 1e-6 * Math.max(...finite(observed).map(Math.abs));
  const rmse = fit.rmse < finest ? `RMSE < ${short(finest)}` : `RMSE = ${short(fit.rmse)}`;
  const range = fitRange(target), beyond = finite(predicted).filter((v) => v < range[0] || v > range[1]).length;
  const points = (wanted, cls, legend) => ({ kind: "points", name: legend, class: cls, x: only(observed, wanted), y: only(predicted, wanted), legend });
  return {
    x: { label: withUnit(`observed ${target}`, unit), range },
    y: { label: withUnit(`predicted ${target}`, unit), range },
    layers: [...(held ? [points(true, "two", "test")] : []), points(false, "one", held ? "training and validation" : "training"), { kind: "diagonal" }].reverse(),
    notes: [`R² = ${score(fit.r2)}`, rmse, `n = ${fit.n}${held ? ", test" : ""}${RUN.rows.part.length < RUN.rows.all ? ", shown" : ""}`, ...(beyond ? [`${beyond} outside the picture`] : [])],
    shape: 0.9, most: 440,
  };
}
function drawResiduals(place) {
  for (const [target, views] of Object.entries(RUN.residuals)) {
    place.append(html("h3", {}, `Observed less predicted ${target}`),
      html("p", { class: "hint" }, "Where the points leave zero by more than their bars, the equation fails. A point is the mean of a group of rows, its bar the 95 % interval of that mean over blocks; all parts of the data."));
    const grid = html("div", { class: "grid-of-charts" });
    place.append(grid);
    for (const view of views) {
      const x = view.labels ? view.labels.map((_, i) => i) : view.x;
      const label = { season: "month", hour: "hour of the day" }[view.kind] ?? withUnit(view.name, view.unit) + (view.kind === "forcing" ? ", forcing" : "");
      chart(html2(grid), `residual ${target} ${view.name}`, { x: { label, names: view.labels ?? undefined }, y: { label: `residual of ${target}` }, height: 210, layers: [
        { kind: "level", y: [0] },
        { kind: "errors", name: "interval", class: "one", x, low: view.low, high: view.high },
        { kind: "points", name: "mean", class: "one solid", r: 3.2, x, y: view.mean }] });
    }
  }
}
function html2(parent) { const made = html("div"); parent.append(made); return made; }
function drawSeries(place) {
  for (const [target, all] of Object.entries(RUN.series)) {
    if (!all.length) continue;
    place.append(html("h3", {}, target));
    const choice = html("select", { "aria-label": `Site of ${target}` }, ...all.map((series, i) => html("option", { value: i }, series.group)));
    if (all.length > 1) place.append(choice);
    const frame = html2(place), from = html("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": "from" });
    const to = html("input", { type: "range", min: 0, max: 1000, value: 1000, "aria-label": "to" });
    const whole = html("button", { type: "button" }, "Show all");
    let zoom = null;
    const spec = () => {
      const series = all[choice.value || 0], range = zoom ?? extent(series.time);
      const models = ["equation", "network"].filter((name) => series[name]);
      const inside = (i) => series.time[i] >= range[0] && series.time[i] <= range[1];
      const banded = series.low && series.high;
      const values = ["observed", ...models.slice(0, 1), ...(banded ? ["low", "high"] : [])].flatMap((key) => series[key].filter((_, i) => inside(i)));
      const [low, high] = extent(values), room = 0.05 * (high - low);
      return { x: { label: withUnit("time", RUN.clock ?? ""), time: !RUN.clock, range }, y: { label: withUnit(target, RUN.rows.units[target]), range: [low - room, high + room] }, height: 280, layers: [
        ...(banded ? [{ kind: "band", name: "band", x: series.time, low: series.low, high: series.high, legend: "95 % of new observations" }] : []),
        { kind: "points", name: "observed", class: "three", x: series.time, y: series.observed, legend: series.rows > 1 ? `observed (means of about ${short(series.rows)} rows)` : "observed" },
        ...models.slice(0, 1).map((key) => ({ kind: "line", name: key, class: "two", x: series.time, y: series[key], legend: key }))] };
    };
    const drawn = chart(frame, `series ${target}`, spec(), "Drag over the picture, or use the sliders, to see a part of the time.");
    const redraw = () => drawn.show(spec());
    const slide = () => {
      const [low, high] = extent(all[choice.value || 0].time), at = (v) => low + (high - low) * v / 1000;
      const ends = [Number(from.value), Number(to.value)].sort((a, b) => a - b);
      zoom = ends[1] - ends[0] < 2 ? zoom : [at(ends[0]), at(ends[1])];
      redraw();
    };
    from.addEventListener("input", slide);
    to.addEventListener("input", slide);
    const reset = () => { zoom = null; from.value = 0; to.value = 1000; redraw(); };
    whole.addEventListener("click", reset);
    choice.addEventListener("change", reset);
    brush(drawn, (low, high) => { zoom = [low, high]; redraw(); });
    place.append(html("div", { class: "sliders" }, html("label", { class: "slider" }, "from", from), html("label", { class: "slider" }, "to", to)), whole);
  }
}
function brush(drawn, done) {
  const svg = drawn.svg;
  const at = (event) => { const box = svg.getBoundingClientRect(); return (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width; };
  let start = null, rect = null;
  svg.addEventListener("pointerdown", (event) => {
    start = at(event);
    svg.setPointerCapture(event.pointerId);
    const { box } = drawn.drawn;
    rect = element("rect", { class: "brush", x: start, y: box.top, width: 0, height: box.bottom - box.top }, svg);
  });
  svg.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const now = at(event);
    rect.setAttribute("x", Math.min(start, now));
    rect.setAttribute("width", Math.abs(now - start));
  });
  svg.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const { x, box } = drawn.drawn, value = (v) => x.low + (x.high - x.low) * (v - box.left) / (box.right - box.left);
    const ends = [start, at(event)].sort((a, b) => a - b);
    start = null;
    rect.remove();
    if (ends[1] - ends[0] > 6) done(value(ends[0]), value(ends[1]));
  });
}
// a table made here has heads that explain themselves, sorts and filters like the others
function dataTable(place, id, caption, columns, rows) {
  const head = html("tr", {}, ...columns.map((column) => html("th", { scope: "col", class: column.text ? undefined : "number", title: column.title }, column.name)));
  const body = html("tbody", {}, ...rows.map((row) => html("tr", {}, ...columns.map((column) => {
    const value = row[column.key];
    return column.text ? html("td", {}, value ?? "") : html("td", { class: "number", "data-value": value ?? "" }, (column.key === "r2" ? score : short)(value ?? NaN));
  }))));
  const words = html("p", { class: "caption", id: `${id}-caption` }, caption);
  const table = html("table", { id, "aria-labelledby": words.id }, html("thead", {}, head), body);
  place.append(html("div", { class: "table" }, words, html("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-labelledby": words.id }, table)));
  equipTable(table);
}
function colourOf(value, most) {
  const share = Math.max(-1, Math.min(1, value / most));
  return share >= 0 ? `rgba(192, 79, 0, ${0.25 + 0.75 * share})` : `rgba(0, 114, 178, ${0.25 - 0.75 * share})`;
}
function drawSites(place) {
  for (const [target, rows] of Object.entries(RUN.groups)) {
    if (!rows.length) continue;
    if (rows[0].lon !== undefined) {
      const most = Math.max(...rows.map((row) => Math.abs(row.bias)), 1e-300);
      chart(place, `map ${target}`, { x: { label: "longitude" }, y: { label: "latitude" }, layers: [{ kind: "points", name: "sites", class: "one solid", r: 4, x: rows.map((r) => r.lon), y: rows.map((r) => r.lat), colours: rows.map((r) => colourOf(r.bias, most)), titles: rows.map((r) => `${r.group}: bias ${short(r.bias)}, n ${r.n}`) }] },
        `Bias of ${target} at each site: orange where the prediction is too high, blue where it is too low (largest ${short(most)}).`);
    }
    dataTable(place, `sites-${target}`, `${target}: ${rows.length} sites, the worst first`, [
      { key: "group", name: "site", text: true, title: "What the rows were grouped by." },
      { key: "part", name: "part", text: true, title: "Which rows: learned from, chosen with, or kept apart." },
      { key: "n", name: "n", title: "Number of observed rows." },
      { key: "r2", name: "R² (NSE)", title: "Share of the variance at this site that is explained; for series the Nash-Sutcliffe efficiency." },
      { key: "rmse", name: "RMSE", title: "Root of the mean squared difference." },
      { key: "bias", name: "bias", title: "Mean of predicted less observed." },
      ...(rows.some((r) => r.kge !== null) ? [{ key: "kge", name: "KGE", title: "Kling-Gupta efficiency: correlation, spread and mean in site; 1 is perfect." }] : []),
    ], rows);
  }
}
function drawReach(place) {
  place.append(html("p", { class: "hint" }, "Filled: training rows. Outline: rows of validation and test, where predictions were asked. Outlines without filling are extrapolation."));
  const grid = html("div", { class: "grid-of-charts" });
  place.append(grid);
  for (const reach of RUN.reach) {
    chart(html2(grid), `reach ${reach.name}`, { x: { label: withUnit(reach.name, reach.unit), range: [reach.edges[0], reach.edges.at(-1)] }, y: { label: "share of rows", hidden: true }, height: 170, layers: [
      { kind: "histogram", name: "training", edges: reach.edges, heights: reach.train, share: 0.84, legend: "training" },
      { kind: "histogram", name: "asked", class: "other", edges: reach.edges, heights: reach.other, share: 0.84, legend: reach.outside > 0 ? `asked, ${reach.outside < 0.001 ? "less than 0.1" : short(Math.round(1000 * reach.outside) / 10)} % outside` : "asked" }] });
  }
  const [a, b] = RUN.reach, rows = RUN.rows;
  if (a && b) {
    const part = (train) => rows.part.map((name, i) => ((name === "train") === train ? i : -1)).filter((i) => i >= 0);
    const points = (train, cls) => ({ kind: "points", name: train ? "training" : "asked", class: cls, x: part(train).map((i) => rows.columns[a.name][i]), y: part(train).map((i) => rows.columns[b.name][i]), legend: train ? "training" : "asked" });
    chart(place, "reach of two", { x: { label: withUnit(a.name, a.unit) }, y: { label: withUnit(b.name, b.unit) }, layers: [points(true, "one"), points(false, "two")] }, "Two columns at once: a row can be inside of both and still far from every training row.");
  }
}
function drawProfiles(place) {
  const grid = html("div", { class: "grid-of-charts" });
  place.append(grid);
  for (const profile of RUN.profiles) {
    const high = Math.min(Math.max(...finite(profile.chi_square), 10), 60);
    const order = profile.value.map((_, i) => i).sort((a, b) => profile.value[a] - profile.value[b]);
    const value = order.map((i) => profile.value[i]), chi = order.map((i) => profile.chi_square[i]);
    const low = chi.map((v, i) => (v !== null && v <= high ? i : -1)).filter((i) => i >= 0);
    const near = [value[Math.max(low[0] - 1, 0)], value[Math.min(low.at(-1) + 1, value.length - 1)]];
    chart(html2(grid), `profile ${profile.constant} ${profile.model}`, { x: { label: profile.constant, range: extent(near) }, y: { label: "rise of chi-square", range: [-0.04 * high, high] }, height: 210, layers: [
      { kind: "level", y: [3.84] },
      { kind: "line", name: "profile", class: "one", x: value, y: chi, legend: profile.model }] });
  }
  place.append(html("p", { class: "hint" }, "The loss with the constant held at a value and everything else refit. Below the dashed line (3.84) a value agrees with the data at 95 %."));
}
function drawHistory(place) {
  const { step, ...terms } = RUN.history, names = Object.keys(terms).filter((name) => finite(terms[name]).some((v) => v > 0) && name !== "learning_rate");
  const steps = terms[names[0]].map((_, i) => i + 1);
  const logs = (values) => values.map((v) => (v > 0 ? Math.log10(v) : null));
  chart(place, "training", { x: { label: "step" }, y: { label: "log10 of the loss" }, layers: names.slice(0, 3).map((name, i) => ({ kind: "line", name, class: PALETTE[i], x: steps, y: logs(terms[name]), legend: name })) });
}
function drawLeftOut(place) {
  const most = Math.max(...RUN.left_out.map(([, n]) => n));
  dataTable(place, "left-out", "What became of the rows that were read", [
    { key: "name", name: "rows", text: true, title: "What became of them." },
    { key: "n", name: "number", title: "How many." }], RUN.left_out.map(([name, n]) => ({ name, n })));
}
// what a process with memory has beside: flow duration, memory of residuals, states
function drawMemory(place) {
  for (const [target, curve] of Object.entries(RUN.duration)) {
    const positive = [...finite(curve.observed), ...finite(curve.equation)].every((v) => v > 0);
    const on = (values) => (positive ? values.map((v) => (v === null ? null : Math.log10(v))) : values);
    const unit = RUN.rows.units[target];
    chart(place, `duration ${target}`, { x: { label: "share of time exceeded" }, y: { label: positive ? `log10 of ${withUnit(target, unit)}` : withUnit(target, unit) }, height: 240, layers: [
      { kind: "line", name: "observed", class: "three", x: curve.share, y: on(curve.observed), legend: "observed" },
      { kind: "line", name: "equation", class: "two", x: curve.share, y: on(curve.equation), legend: "free run" }] }, "How often a value is exceeded, over all groups and times: the ends of the curve are floods and droughts.");
  }
  for (const [target, memory] of Object.entries(RUN.memory))
    chart(place, `memory ${target}`, { x: { label: "rows back" }, y: { label: "correlation of residuals", range: [-0.2, 1] }, height: 210, layers: [
      { kind: "level", y: [0] },
      { kind: "points", name: "correlation", class: "one solid", x: memory.lag, y: memory.correlation }] }, `How much the residual of ${target} resembles that of rows before: what lasts was missing in the process, not noise.`);
  if (!RUN.states.length) return;
  const choice = html("select", { "aria-label": "Group of the states" }, ...RUN.states.map((group, i) => html("option", { value: i }, group.group)));
  place.append(html("h3", {}, "States over time"), choice);
  const grid = html("div", { class: "grid-of-charts" });
  place.append(grid);
  const spec = (name) => { const group = RUN.states[choice.value || 0]; return { x: { label: withUnit("time", RUN.clock ?? ""), time: !RUN.clock }, y: { label: withUnit(name, RUN.rows.units[name]) }, height: 190, layers: [{ kind: "line", name, class: "one", x: group.time, y: group.states[name] }] }; };
  const drawn = Object.keys(RUN.states[0].states).map((name) => [name, chart(html2(grid), `state ${name}`, spec(name))]);
  choice.addEventListener("change", () => drawn.forEach(([name, drawing]) => drawing.show(spec(name))));
}
// what groups deviate from the relations, against a feature that the reader chooses
function drawDeviations(place) {
  const names = Object.keys(RUN.deviations[0].columns);
  const choice = html("select", { "aria-label": "Feature beside the deviations" }, ...names.map((name) => html("option", {}, name)));
  place.append(html("p", { class: "hint" }, "A group differs from what its features say by u, of which the dashed lines hold 95 %. A trend would be a relation that is missing; where the shrinkage is near deviation, the series tell little and a trend cannot show."), choice);
  const grid = html("div", { class: "grid-of-charts" });
  place.append(grid);
  const spec = (deviation) => ({ x: { label: withUnit(choice.value, RUN.rows.units[choice.value]) }, y: { label: deviation.factor ? `u of ${deviation.latent}, a factor exp(u)` : `u of ${deviation.latent}` }, height: 210, layers: [
    { kind: "level", y: [-1.96 * deviation.spread, 0, 1.96 * deviation.spread] },
    { kind: "points", name: `spread ${short(deviation.spread)}, shrinkage ${short(deviation.shrinkage)}`, class: "one solid", x: deviation.columns[choice.value], y: deviation.u, legend: `spread ${short(deviation.spread)}, shrinkage ${short(deviation.shrinkage)}` }] });
  const drawn = RUN.deviations.map((deviation) => [deviation, chart(html2(grid), `deviations ${deviation.latent}`, spec(deviation))]);
  choice.addEventListener("change", () => drawn.forEach(([deviation, made]) => made.show(spec(deviation))));
}
function drawTruth(place) {
  const grid = html("div", { class: "grid-of-charts" });
  place.append(html("p", { class: "hint" }, "Estimated latents against those that the simulation knows; on the dashed line they are equal."), grid);
  for (const latent of RUN.truth) {
    const range = extent(latent.true), room = 0.08 * (range[1] - range[0]), around = [range[0] - room, range[1] + room];
    const models = Object.entries(latent.models);
    chart(html2(grid), `truth ${latent.latent}`, { x: { label: withUnit(`true ${latent.latent}`, latent.unit), range: around }, y: { label: withUnit(`estimated ${latent.latent}`, latent.unit), range: around }, height: 260, layers: [
      { kind: "diagonal" }, ...models.map(([name, y], i) => ({ kind: "points", name, class: PALETTE[i], x: latent.true, y, legend: name }))],
      notes: models.map(([name, y]) => `${name}: R² = ${score(agreement(latent.true, y).r2)}`) });
  }
}
const VIEWS = { truth: [drawTruth, RUN.truth?.length && RUN.truth], deviations: [drawDeviations, RUN.deviations?.length && RUN.deviations], states: [drawMemory, RUN.states], fails: [drawResiduals, RUN.residuals], series: [drawSeries, RUN.series], sites: [drawSites, RUN.groups], reach: [drawReach, RUN.reach], profiles: [drawProfiles, RUN.profiles], history: [drawHistory, RUN.history], left_out: [drawLeftOut, RUN.left_out] };
for (const [name, [draw, numbers]] of Object.entries(VIEWS)) {
  const place = view(name);
  if (place && numbers) draw(place);
}
