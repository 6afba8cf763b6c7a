// Formulas are nested lists, evaluated by this interpreter in double precision: no text is
// ever run as code. The lists are those of symbolic/expression/tree.py.
const RUN = JSON.parse(document.getElementById("run-data").textContent);
const FUNCTIONS = {
  exp: Math.exp, log: Math.log, abs: Math.abs, sin: Math.sin, cos: Math.cos, tan: Math.tan,
  tanh: Math.tanh, sign: Math.sign, step: (x) => (x > 0 ? 1 : x < 0 ? 0 : x === 0 ? 0.5 : NaN),
};
const RELATIONS = {
  lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b,
  eq: (a, b) => a === b, ne: (a, b) => a !== b,
};
function power(base, exponent) {
  return exponent === 0.5 ? Math.sqrt(base) : Math.pow(base, exponent);
}
// cubic pieces between knots, straight lines outside
function splineValue(curve, x) {
  const { x: knots, pieces, slopes } = curve;
  const last = knots.length - 1;
  if (Number.isNaN(x)) return NaN;
  const inside = Math.min(Math.max(x, knots[0]), knots[last]);
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle] <= inside) low = middle; else high = middle;
  }
  const t = inside - knots[low];
  const [a, b, c, d] = pieces[low];
  return ((a * t + b) * t + c) * t + d + (x < knots[0] ? slopes[0] : slopes[1]) * (x - inside);
}
// tree -> function of {name: number}
function compile(tree, splines) {
  if (typeof tree === "number") return () => tree;
  const [kind, ...parts] = tree;
  const inner = () => parts.map((part) => compile(part, splines));
  if (kind === "symbol") return (at) => at[parts[0]];
  if (kind === "level" || kind === "exact") return () => parts[0];
  if (kind === "rational") return () => parts[0] / parts[1];
  if (kind === "pi" || kind === "e") return () => (kind === "pi" ? Math.PI : Math.E);
  if (kind === "true" || kind === "false") return () => kind === "true";
  if (kind === "call") {
    const curve = splines[parts[0]], argument = compile(parts[1], splines);
    return (at) => splineValue(curve, argument(at));
  }
  if (kind === "cases") {
    const pairs = parts.map(([value, condition]) => [compile(value, splines), compile(condition, splines)]);
    return (at) => {
      for (const [value, condition] of pairs) if (condition(at)) return value(at);
      return NaN;
    };
  }
  const f = inner();
  if (kind in FUNCTIONS) return (at) => FUNCTIONS[kind](f[0](at));
  if (kind in RELATIONS) return (at) => RELATIONS[kind](f[0](at), f[1](at));
  switch (kind) {
    case "add": return (at) => f.reduce((sum, g) => sum + g(at), 0);
    case "mul": return (at) => f.reduce((product, g) => product * g(at), 1);
    case "pow": return (at) => power(f[0](at), f[1](at));
    case "max": return (at) => Math.max(...f.map((g) => g(at)));
    case "min": return (at) => Math.min(...f.map((g) => g(at)));
    case "and": return (at) => f.every((g) => g(at));
    case "or": return (at) => f.some((g) => g(at));
    case "not": return (at) => !f[0](at);
  }
  throw new Error(`unknown node ${kind}`);
}
// latents and targets of rows given as {column: [values]}; constants: {symbol: value}
function compileModel(latents, process, splines) {
  const inner = Object.entries(latents).map(([name, tree]) => [name, compile(tree, splines)]);
  const outer = Object.entries(process ?? {}).map(([name, tree]) => [name, compile(tree, splines)]);
  return (columns, constants) => {
    const names = Object.keys(columns), rows = names.length ? columns[names[0]].length : 0;
    const results = Object.fromEntries([...inner, ...outer].map(([name]) => [name, new Array(rows)]));
    for (let i = 0; i < rows; i++) {
      const row = { ...constants };
      for (const name of names) row[name] = columns[name][i] ?? NaN;
      const behind = { ...row };
      for (const [name, value] of inner) behind[name] = results[name][i] = value(row);
      for (const [name, value] of outer) results[name][i] = value(behind);
    }
    return results;
  };
}
// a page must stay readable where an equation holds what this interpreter does not know
function compiled() {
  try {
    return compileModel(RUN.equations.latents, RUN.equations.process, RUN.equations.functions);
  } catch (error) {
    console.warn(`no sliders: ${error.message}`);
    return null;
  }
}
const MODEL = RUN.equations ? compiled() : null;
function printedConstants() {
  return Object.fromEntries((RUN.constants ?? []).map((constant) => [constant.symbol, constant.value]));
}
