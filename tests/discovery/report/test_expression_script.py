"""The interpreter of formulas in the report: every node is known, and every number equal."""

import json
from importlib.resources import files

import numpy as np
import pytest
import sympy
from browser import browser, chromium
from form_constants import constants_of

from sciren.data.kinds import Categorical
from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.atoms import Exact, Level
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.nodes import CONSTANTS, FUNCTIONS, OPERATORS, RELATIONS
from symbolic.expression.tree import _READERS, to_tree
from symbolic.families.class_effects import class_effects, class_table
from symbolic.families.harmonics import harmonics
from symbolic.families.library import FAMILIES
from symbolic.families.variants import in_raw
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Node, Product
from symbolic.terms.parametric import parametric
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

SCRIPTS = files("discovery") / "templates" / "report"
SCRIPT = (SCRIPTS / "expression.js").read_text(encoding="utf-8")
KINDS = [*_READERS, *FUNCTIONS, *OPERATORS, *RELATIONS, *CONSTANTS, "true", "false"]
X, Y, Z = (sympy.Symbol(name, real=True) for name in ("x", "y", "class"))
ROWS = 60


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_node_is_known(kind):
    assert f'"{kind}"' in SCRIPT or f" {kind}: " in SCRIPT


def test_no_script_evaluates_text_or_asks_for_anything():
    for script in SCRIPTS.iterdir():
        if not script.name.endswith(".js"):
            continue
        text = script.read_text(encoding="utf-8")
        for word in ("eval(", "new Function", "fetch(", "XMLHttpRequest", "import("):
            assert word not in text, f"{script.name}: {word}"


def columns():
    """Rows with zeros, a knot, an unseen class and a missing value among them."""
    rng = np.random.default_rng(5)
    found = {
        "x": np.concatenate([rng.uniform(-0.97, 0.93, ROWS - 3), [0.0, -0.5, np.nan]]),
        "y": np.concatenate([rng.uniform(0.1, 30, ROWS - 1), [0.0]]),
        "class": rng.choice([1.0, 2.0, 3.0, 7.0], ROWS),
    }
    return found


def curve():
    x = np.linspace(-0.9, 0.7, 9)
    return SplineCurve(x, np.sin(4 * x), (1.5, -0.25))


def nodes():
    """One formula a kind of node."""
    two = {"pow": (Y, X), "not": (X > 0,)}
    for name, make in FUNCTIONS.items():
        yield name, make(X, sympy.Rational(1, 2)) if name == "step" else make(X)
    for name, make in OPERATORS.items():
        if name in ("and", "or", "not"):
            condition = make(*two.get(name, (X > 0, Y < 12)))
            yield name, sympy.Piecewise((X, condition), (Y, True))
        else:
            yield name, make(*two.get(name, (X, Y, sympy.Float(0.25))))
    for name, make in RELATIONS.items():
        yield name, sympy.Piecewise((Y, make(X, 0)), (sympy.Rational(1, 3), True))
    yield "constants", sympy.pi * X + sympy.E
    yield "exact", Exact(365.25) * X
    yield "level", sympy.Piecewise((Y, sympy.Eq(Z, Level(2.0, "DBF"))), (X, True))
    yield "call", sympy.Function("f_rb_x")(X) - 2
    yield "root", sympy.sqrt(Y) + Y ** sympy.Float(-1.37)


def families():
    """Every closed form at constants where it is defined."""
    rng = np.random.default_rng(6)
    for forms in FAMILIES.values():
        for form in forms:
            full = constants_of(form, *rng.uniform(0.4, 1.6, 3))
            written, constants = in_raw(form, full, 0.2, 1.3)
            yield form.name, written.expression(X, constants)
    kind = Categorical(("CRO", "DBF", "mixed forest"), (1.0, 2.0, 3.0))
    for name, form, full, symbol in (
        ("classes", class_effects(kind, (0.5, 0.3, 0.2)), [0.4, -0.1, 2.0], Z),
        ("class table", class_table(kind), [0.4, -0.1, 0.7, 2.0], Z),
        ("wave", harmonics(365.25, 1), [0.5, 200.0, 1.0], Y),
        ("waves", harmonics(24.0, 2), [0.5, 20.0, 0.2, 3.0, 1.0], Y),
    ):
        written, constants = in_raw(form, np.array(full), 0.0, 1.0)
        yield name, written.expression(symbol, constants)


BOUNDS = {
    "relu": (0.0, np.inf, 1.0), "hard_sigmoid": (0.1, 0.9, 1.0),
    "sigmoid": (-1.0, 4.0, 0.5), "softplus": (0.5, np.inf, 1.0),
    "identity": (-np.inf, np.inf, 1.0),
}  # fmt: skip


def structures():
    """Nodes, products and curves without a closed form, inside every constraint."""
    line, wave = FAMILIES["linear"][0], FAMILIES["sine"][0]
    ramp = EdgeTerm(0, line, (0.7,))
    other = EdgeTerm(1, wave, tuple(constants_of(wave, 0.8, 0.6, 0.0)[:-1]))
    spline = EdgeTerm(0, None, (), curve(), "f_rb_x")
    product = Product((Factor(ramp, 0.4), Factor(other, -0.2)))
    node = Node("exp", 1.0, 0.1, (ramp, other))
    units = Units(("x", "y"), *np.array([[0.1, 9.0], [0.5, 8.0], [-1, 0], [1, 30]]))
    for name, bounds in BOUNDS.items():
        latent = LatentStructure("rb", 0.3, (other, spline), (node, product))
        found = parametric(latent, units, (name, *bounds))
        values = {symbol: raw.value for symbol, raw in found.constants.items()}
        yield name, found.expression, {str(symbol): v for symbol, v in values.items()}


CASES = (
    {f"node {name}": (formula, {}) for name, formula in nodes()}
    | {f"family {name}": (formula, {}) for name, formula in families()}
    | {f"inside {name}": (formula, values) for name, formula, values in structures()}
)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """What a browser computes of all cases, in one go."""
    spline = curve()
    splines = {
        "f_rb_x": {
            "x": spline.x.tolist(),
            "pieces": spline.coefficients.tolist(),
            "slopes": list(spline.slopes),
        }
    }
    trees = {
        name: [to_tree(formula), values] for name, (formula, values) in CASES.items()
    }
    rows = [
        {
            name: float(v)
            for name, v in zip(columns(), row, strict=True)
            if not np.isnan(v)
        }
        for row in zip(*columns().values(), strict=True)
    ]
    page = tmp_path_factory.mktemp("page") / "page.html"
    page.write_text(
        f'<script type="application/json" id="run-data">{{}}</script><script>{SCRIPT}</script>',
        encoding="utf-8",
    )
    with browser() as window:
        window.load(page)
        return window.run(
            f"""(() => {{
              const rows = {json.dumps(rows)}, splines = {json.dumps(splines)}, found = {{}};
              for (const [name, [tree, values]] of Object.entries({json.dumps(trees)})) {{
                const value = compile(tree, splines);
                found[name] = rows.map((row) => String(value({{ x: NaN, ...row, ...values }})));
              }}
              return found;
            }})()"""
        )


@pytest.mark.skipif(chromium() is None, reason="needs Chromium")
@pytest.mark.parametrize("name", CASES)
def test_the_browser_computes_what_python_computes(computed, name):
    formula, values = CASES[name]
    symbols = [X, Y, Z, *(sympy.Symbol(key, real=True) for key in values)]
    python = compile_numpy(formula, symbols, {"f_rb_x": curve().value})
    given = [*columns().values(), *(np.full(ROWS, v) for v in values.values())]
    expected = python(*given)
    found = np.array(
        [float(text.replace("Infinity", "inf")) for text in computed[name]]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
