// Charts: drawn at the width of their place, drawn anew when it changes, saved as SVG, PNG
// and CSV. A chart is {x, y, layers}: axes with label and range, and layers of one kind each.
const SVG = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 12, TOP = 8, BOTTOM = 40;
function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}
function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
function finite(values) { return values.filter((v) => v !== null && Number.isFinite(v)); }
function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (v !== null && Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  return low === high ? [low - 1, high + 1] : [low, high];
}
function short(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e4) return String(value).replace("-", "−");
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString("en").replaceAll(",", "\u202f").replaceAll("-", "−");
  const rounded = Number(value.toPrecision(4));
  const text = size >= 1e7 || size < 1e-4 ? power10(value) : size >= 1e4 ? rounded.toLocaleString("en").replaceAll(",", "\u202f") : String(rounded);
  return text.replaceAll("-", "−");
}
// only 1 is printed as 1; rows travel with seven digits, so more would not be theirs
function score(value) {
  const lacking = 1 - value;
  if (!(lacking > 0 && lacking < 5e-5)) {
    const size = Math.abs(value); // as many digits as the table of scores
    return value !== 1 && size >= 1e-4 && size < 1e4 ? value.toPrecision(4).replace("-", "−") : short(value);
  }
  return lacking < 1e-6 ? "> 0.999999" : value.toFixed(Math.floor(-Math.log10(lacking)) + 1);
}
// 2.5·10⁻⁴, as the tables that Python wrote
function power10(value) {
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return `${Number(mantissa)}·10${raised(exponent.replace("+", ""))}`;
}
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
function raised(digits) { return [...digits].map((c) => RAISED[c]).join(""); }
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(count, 1), decade = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * decade).find((s) => s >= raw * 0.999);
  const marks = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) marks.push(Number(v.toPrecision(12)));
  const places = Math.max(0, Math.round(-Math.log10(decade * (step === 10 * decade ? 10 : 1))));
  const plain = Math.max(Math.abs(low), Math.abs(high)) < 1e5 && places <= 4;
  // all in one notation: 0.0001 beside 5·10⁻⁵ is hard to compare
  const tiny = Math.max(Math.abs(low), Math.abs(high)) < 1e-3;
  return marks.map((v) => [v, plain ? v.toFixed(places).replace("-", "−") : tiny && v !== 0 ? power10(v).replace("-", "−") : short(v)]);
}
const DAY = 86400000;
function timeTicks(low, high, count) {
  const steps = [[DAY / 24, 1], [DAY / 4, 1], [DAY, 1], [7 * DAY, 1], [30.44 * DAY, 1], [91.3 * DAY, 3], [365.25 * DAY, 12], [730.5 * DAY, 24], [1826 * DAY, 60], [3652 * DAY, 120]];
  const raw = (high - low) / Math.max(count, 1), [step, months] = steps.find(([s]) => s >= raw) ?? steps.at(-1);
  const marks = [];
  if (step < 28 * DAY) {
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) {
      const text = new Date(v).toISOString();
      marks.push([v, step < DAY ? text.slice(5, 16).replace("T", " ") : text.slice(5, 10)]);
    }
    return marks;
  }
  const first = new Date(low);
  let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
  for (;; month += months) {
    const v = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (v > high) return marks;
    if (v >= low) marks.push([v, new Date(v).toISOString().slice(0, months >= 12 ? 4 : 7)]);
  }
}
function scaleOf(axis, values, from, to) {
  let [low, high] = axis.range ?? extent(values);
  if (!axis.range && !axis.time) { const room = 0.04 * (high - low); low -= room; high += room; }
  if (axis.names) return { low: -0.5, high: axis.names.length - 0.5, at: (v) => from + (to - from) * (v + 0.5) / axis.names.length };
  return { low, high, at: (v) => from + (to - from) * (v - low) / (high - low) };
}
function axisTicks(axis, scale, count) {
  if (axis.names) return axis.names.map((name, i) => [i, name]);
  return (axis.time ? timeTicks : ticks)(scale.low, scale.high, count);
}
function layerValues(layer, key) {
  if (layer.kind === "histogram") return key === "x" ? layer.edges : [0];
  if (key === "x") return layer.x ?? [];
  return layer.kind === "band" || layer.kind === "errors" ? [...finite(layer.low), ...finite(layer.high)] : layer.y ?? [];
}
function pathOf(points) {
  let text = "", pen = "M";
  for (const [x, y] of points) {
    if (x === null || !Number.isFinite(y) || !Number.isFinite(x)) { pen = "M"; continue; }
    text += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return text;
}
const DRAW = {
  line(layer, g, x, y) {
    element("path", { class: `line ${layer.class}`, d: pathOf(layer.x.map((v, i) => [x.at(v), layer.y[i] === null ? NaN : y.at(layer.y[i])])) }, g);
  },
  band(layer, g, x, y) {
    const rows = layer.x.map((_, i) => i).filter((i) => layer.low[i] !== null && layer.high[i] !== null);
    const there = rows.map((i) => [x.at(layer.x[i]), y.at(layer.high[i])]);
    const back = rows.map((i) => [x.at(layer.x[i]), y.at(layer.low[i])]).reverse();
    if (rows.length) element("path", { class: "band", d: pathOf([...there, ...back]) + "Z" }, g);
  },
  points(layer, g, x, y) {
    layer.x.forEach((v, i) => {
      if (v === null || layer.y[i] === null || !Number.isFinite(v) || !Number.isFinite(layer.y[i])) return;
      const dot = element("circle", { class: layer.class, cx: x.at(v).toFixed(1), cy: y.at(layer.y[i]).toFixed(1), r: layer.r ?? 2.4 }, g);
      if (layer.colours) dot.style.fill = layer.colours[i];
      if (layer.titles) element("title", {}, dot).textContent = layer.titles[i];
    });
  },
  errors(layer, g, x, y) {
    layer.x.forEach((v, i) => {
      if (layer.low[i] === null || layer.high[i] === null) return;
      element("path", { class: `error ${layer.class}`, d: `M${x.at(v)} ${y.at(layer.low[i])}V${y.at(layer.high[i])}` }, g);
    });
  },
  histogram(layer, g, x, y, box) {
    const most = Math.max(...layer.heights, 1e-300), height = (layer.share ?? 1) * (box.bottom - box.top);
    layer.heights.forEach((v, i) => {
      const left = x.at(layer.edges[i]), tall = (v ?? 0) / most * height;
      element("rect", { class: `bars ${layer.class ?? ""}`, x: left, y: box.bottom - tall, width: Math.max(x.at(layer.edges[i + 1]) - left, 0.5), height: tall }, g);
    });
  },
  diagonal(layer, g, x, y) {
    const low = Math.max(x.low, y.low), high = Math.min(x.high, y.high);
    element("path", { class: "zero", d: `M${x.at(low)} ${y.at(low)}L${x.at(high)} ${y.at(high)}` }, g);
  },
  level(layer, g, x, y, box) {
    element("path", { class: "zero", d: `M${box.left} ${y.at(layer.y[0])}H${box.right}` }, g);
  },
  mark(layer, g, x, y, box) {
    element("path", { class: `error ${layer.class ?? "zero"}`, "stroke-dasharray": "4 3", d: `M${x.at(layer.x[0])} ${box.top}V${box.bottom}` }, g);
  },
};
function drawChart(svg, spec, width) {
  svg.replaceChildren();
  const height = Math.round(spec.height ?? Math.min(spec.most ?? 340, Math.max(190, width * (spec.shape ?? 0.55))));
  const y = scaleOf(spec.y, spec.layers.flatMap((layer) => layerValues(layer, "y")), height - BOTTOM, TOP);
  const marks = spec.y.hidden ? [] : axisTicks(spec.y, y, height / 50);
  const longest = Math.max(0, ...marks.map(([, text]) => text.length)); // 7.7 pixels a digit, 26 for the label
  const box = { left: Math.max(LEFT, 26 + 7.7 * longest), right: width - RIGHT, top: TOP, bottom: height - BOTTOM };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  const x = scaleOf(spec.x, spec.layers.flatMap((layer) => layerValues(layer, "x")), box.left, box.right);
  for (const [v, text] of axisTicks(spec.x, x, width / (spec.x.time ? 95 : 75))) {
    element("path", { class: "grid", d: `M${x.at(v)} ${box.top}V${box.bottom}` }, svg);
    const half = 3.9 * text.length; // the last label stays inside of the figure
    element("text", { class: "tick", x: Math.min(x.at(v), width - half), y: box.bottom + 15, "text-anchor": "middle" }, svg).textContent = text;
  }
  for (const [v, text] of marks) {
    element("path", { class: "grid", d: `M${box.left} ${y.at(v)}H${box.right}` }, svg);
    element("text", { class: "tick", x: box.left - 6, y: y.at(v) + 4, "text-anchor": "end" }, svg).textContent = text;
  }
  element("path", { class: "axis", fill: "none", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }, svg);
  element("text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, svg).textContent = fitted(spec.x.label, (box.right - box.left) / 6.4);
  element("text", { x: 13, y: height / 2, "text-anchor": "middle", transform: `rotate(-90 13 ${height / 2})` }, svg).textContent = fitted(spec.y.label, (height - 8) / 6.2);
  const clip = `clip-${(drawChart.count = (drawChart.count ?? 0) + 1)}`;
  element("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top }, element("clipPath", { id: clip }, svg));
  const inside = element("g", { "clip-path": `url(#${clip})` }, svg);
  for (const layer of spec.layers) DRAW[layer.kind](layer, inside, x, y, box);
  (spec.notes ?? []).forEach((text, i) => {
    element("text", { class: "quiet", x: box.left + 8, y: box.top + 14 + 16 * i }, svg).textContent = fitted(text, (width - box.left) / 6);
  });
  return { x, y, box };
}
// a label that is too long loses its unit first, then its end
function fitted(text, most) {
  const short = text.length > most ? text.replace(/ \([^)]*\)/, "") : text;
  return short.length <= most ? short : `${short.slice(0, Math.max(most - 1, 4))}…`;
}
function withUnit(name, unit) { return unit && unit !== "1" ? `${name} (${RUN.pretty?.[unit] ?? unit})` : name; }
// the colours of the page at this moment are written into the saved picture
function standalone(svg) {
  const copy = svg.cloneNode(true);
  const theirs = copy.querySelectorAll("*");
  svg.querySelectorAll("*").forEach((mine, i) => {
    const style = getComputedStyle(mine);
    for (const key of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "text-anchor"]) theirs[i].style.setProperty(key, style.getPropertyValue(key));
  });
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("font-family", "sans-serif");
  copy.setAttribute("font-size", "12");
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  const ground = element("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor });
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}
function savePng(svg, name) {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 3 * width;
    canvas.height = 3 * height;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    save(`${name}.png`, "image/png", canvas.toDataURL("image/png"));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
}
function specColumns(spec) {
  const columns = {};
  spec.layers.forEach((layer, i) => {
    const name = layer.name ?? `${layer.kind} ${i + 1}`;
    for (const key of ["x", "y", "low", "high", "edges", "heights"]) {
      if (layer[key]?.length > 1) columns[`${name} ${key}`] = spec.x.time && key === "x" ? layer[key].map((v) => new Date(v).toISOString()) : layer[key];
    }
  });
  return columns;
}
function toolButtons(name, svg, columns) {
  const button = (text, title, act) => html("button", { type: "button", title, onclick: act }, text);
  return html("div", { class: "chart-tools" },
    button("SVG", "Save this figure as SVG", () => save(`${name}.svg`, "image/svg+xml", standalone(svg))),
    button("PNG", "Save this figure as PNG", () => savePng(svg, name)),
    button("CSV", "Save the numbers of this figure", () => save(`${name}.csv`, "text/csv", csv(columns()))));
}
const COLOURS = { one: "var(--one)", two: "var(--two)", three: "var(--three)", learned: "var(--muted)", band: "var(--band)", bars: "var(--strip)", other: "var(--two)" };
function legendOf(spec) {
  const shown = spec.layers.filter((layer) => layer.legend);
  return html("div", { class: "legend" }, ...shown.map((layer) => {
    const key = html("i");
    key.style.background = COLOURS[layer.kind === "band" ? "band" : layer.class?.split(" ")[0] || "bars"];
    if (layer.kind === "band") key.style.opacity = 0.25;
    if (layer.class === "learned") key.style.opacity = 0.6;
    return html("span", {}, key, layer.legend);
  }));
}
const CHARTS = [];
function redrawAll() { for (const drawing of CHARTS) drawing.show(drawing.spec); }
// a figure in its place; returns {svg, show(spec)}, and draws anew when the place changes
function chart(place, name, spec, caption) {
  const svg = element("svg", { class: "chart", role: "img" });
  const legend = html("div"), figure = html("figure", {}, legend, svg);
  const chartState = { svg, figure, spec, drawn: null, show(next) {
    chartState.spec = next;
    svg.setAttribute("aria-label", [`${next.y.label} against ${next.x.label}`, ...new Set(next.layers.map((layer) => layer.legend)), ...(next.notes ?? [])].filter(Boolean).join(", "));
    legend.replaceChildren(legendOf(next));
    const width = Math.floor(figure.clientWidth);
    if (width > 0) chartState.drawn = drawChart(svg, next, width);
  } };
  figure.append(toolButtons(name, svg, () => specColumns(chartState.spec)));
  if (caption) figure.append(html("figcaption", {}, caption));
  place.append(figure);
  CHARTS.push(chartState);
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.floor(figure.clientWidth);
    if (width > 0 && width !== last) { last = width; chartState.show(chartState.spec); }
  }).observe(figure);
  chartState.show(spec);
  return chartState;
}
