"""A problem of series holds an ODE: its files alone give what predict gives."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
import yaml
from scipy.integrate import solve_ivp

from discovery import load_config, run
from discovery.interop.petab import petab_problem, write_problem
from discovery.interop.petab_mathml import MATHML, mathml
from sciren import KANEncoder, ScIReN, SeriesTable, State, TrainConfig, fit
from sciren.decoders import process_model
from sciren.dynamics import SeriesProcess
from sciren.dynamics.fitting import local_numbers, series_problem
from sciren.encoders import LinearEncoder
from sciren.errors import ConfigError
from sciren.functions import maximum
from sciren.parameters import Parameter

PLACE = "{http://www.sbml.org/sbml/level3/version2/core}"
FUNCTIONS = {
    "plus": lambda *x: sum(x), "times": lambda *x: np.prod(x),
    "power": lambda a, b: a**b, "exp": np.exp, "ln": np.log, "abs": abs,
    "max": max, "min": min, "and": lambda *x: all(x), "lt": lambda a, b: a < b,
    "leq": lambda a, b: a <= b, "gt": lambda a, b: a > b, "geq": lambda a, b: a >= b,
}  # fmt: skip


@process_model(
    [
        Parameter("size", low=5.0, high=80.0, per="group", start=20.0),
        Parameter("k", low=0.0, kind="constant", start=0.2),
        Parameter("split", kind="fixed", start=0.5),
    ],
    ["rain"], {"out": "deep"},
    state=[
        State("top", start=0.4, of="size", low=0.0),
        State("deep", start=3.0, learn_start=True),
    ],
    time="ode",
)  # fmt: skip
def stores(s, p, f):
    down = p.k * maximum(s.top - p.size / 4, 0)
    return {"top": f.rain - down - 2, "deep": p.split * down - 0.1 * s.deep}


def series(groups=6, days=12):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "site": np.repeat([f"site {k}" for k in range(groups)], days),
            "day": np.tile(np.arange(days) * 1.0, groups),
            "clay": np.repeat(rng.uniform(0, 1, groups), days),
            "rain": np.repeat(rng.gamma(0.5, 12, groups * days // 2), 2),
            "out": rng.uniform(1, 4, groups * days),
        }
    )
    frame.loc[7, "out"] = np.nan
    return SeriesTable.from_frame(
        frame, group="site", time="day", static=["clay"], forcings=["rain"],
        targets=["out"], time_unit="d",
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    learned = ScIReN(KANEncoder(1, 1, grid=3), "auto", stores)
    quick = TrainConfig(smooth=1.0, select=False, profiles=False, max_iterations=2)
    fit(learned, series(), series(), quick)
    return learned


def number_of(node):
    """Read a number of content MathML: plain, a fraction, or with a power of ten."""
    first = float(node.text)
    if not len(node):
        return first
    tail = float(node[0].tail)
    return first / tail if node.get("type") == "rational" else first * 10**tail


def value_of(node, known):
    """Evaluate content MathML."""
    kind = node.tag.removeprefix(f"{{{MATHML}}}")
    if kind in ("true", "false"):
        return kind == "true"
    if kind == "ci":
        return known[node.text.strip()]
    if kind == "cn":
        return number_of(node)
    if kind == "piecewise":
        for case in node:
            if case.tag.endswith("otherwise") or value_of(case[1], known):
                return value_of(case[0], known)
    if kind == "math":
        return value_of(node[0], known)
    operator = node[0].tag.removeprefix(f"{{{MATHML}}}")
    return FUNCTIONS[operator](*(value_of(part, known) for part in node[1:]))


def simulated(folder, raw):
    """Run a problem by its files, the network's outputs given: experiment -> targets."""
    tables = {
        name: pd.read_csv(folder / f"{name}.tsv", sep="\t")
        for name in ("conditions", "experiments", "parameters", "measurements")
    }
    tree = ElementTree.parse(folder / "model.xml").getroot()
    declared = {
        p.get("id"): float(p.get("value", 0)) for p in tree.iter(f"{PLACE}parameter")
    }
    named = tables["parameters"].set_index("parameterId").nominalValue
    declared |= {name: float(v) for name, v in named.items() if v != "array"}
    rules = {r.get("variable"): r[0] for r in tree.iter(f"{PLACE}rateRule")}
    starts = {r.get("symbol"): r[0] for r in tree.iter(f"{PLACE}initialAssignment")}
    changes = {
        name: dict(zip(part.targetId, part.targetValue, strict=True))
        for name, part in tables["conditions"].groupby("conditionId")
    }
    names, found = list(rules), {}
    for experiment, periods in tables["experiments"].groupby(
        "experimentId", sort=False
    ):
        measured = tables["measurements"].query("experimentId == @experiment")
        known = declared | {"size_raw": raw[len(found)]}
        known |= changes[periods.conditionId.iloc[0]]
        state = np.array([value_of(math, known) for math in starts.values()])
        out, now = {}, 0.0
        ends = [*periods.time.iloc[1:], measured.time.max()]
        for condition, end in zip(periods.conditionId, ends, strict=True):
            known |= changes[condition]

            def rates(_, y, known=known):
                at = known | dict(zip(names, y, strict=True))
                return [value_of(rules[name], at) for name in names]

            asked = np.unique([*measured.time[measured.time.between(now, end)], end])
            way = solve_ivp(
                rates,
                (now, end),
                state,
                t_eval=asked,
                rtol=1e-9,
                atol=1e-9,
                max_step=0.2,
            )
            out |= dict(zip(way.t, way.y[names.index("deep")], strict=True))
            state, now = way.y[:, -1], end
        found[experiment] = np.array([out[t] for t in measured.time])
    return found, tables


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_files_alone_give_the_simulation(model, tmp_path):
    table = series()
    write_problem(model, table, tmp_path / "problem")
    raw = model.raw_latents(model.scaled(torch.from_numpy(table.static)))
    found, tables = simulated(tmp_path / "problem", raw.detach().numpy()[:, 0])
    problem = series_problem(model, table)
    process = SeriesProcess(stores, table, substeps=64)
    expected = process.simulate(problem.scale.values(local_numbers(model, table)))
    assert len(found) == len(table)
    for group, values in enumerate(found.values()):
        rows = table.compared()[:, group, 0]
        np.testing.assert_allclose(
            values, expected.outputs[0][rows, group], rtol=2e-3, atol=2e-3
        )
    # rain changes on every second day alone; features come with the first condition
    assert len(tables["experiments"]) == 6 * 6
    assert (tables["conditions"].targetId == "clay").sum() == 6
    assert len(tables["measurements"]) == 6 * 12 - 1
    # the encoder is before the simulation
    record = yaml.safe_load((tmp_path / "problem" / "problem.yaml").read_text())
    assert record["extensions"]["sciml"]["neural_nets"]["net"]["pre_initialization"]


def test_a_step_is_no_derivative(tmp_path):
    @process_model(
        [Parameter("k", low=0.0, high=1.0, per="group")], ["rain"], ["q"],
        state=[State("store", start=1.0)],
    )  # fmt: skip
    def steps(s, p, f):
        return {"store": s.store + f.rain - p.k * s.store}, {"q": p.k * s.store}

    learned = ScIReN(LinearEncoder(1, 1), "auto", steps)
    with pytest.raises(ConfigError, match="counts steps"):
        write_problem(learned, series(), tmp_path / "x")


def test_latents_in_time_are_refused(tmp_path):
    @process_model(
        [Parameter("k", low=0.0, high=1.0)], ["rain"], {"q": "store"},
        state=[State("store", start=1.0)], time="ode",
    )  # fmt: skip
    def flows(s, p, f):
        return {"store": f.rain - p.k * s.store}

    learned = ScIReN(LinearEncoder(1, 1), "auto", flows)
    with pytest.raises(ConfigError, match="changes in time"):
        write_problem(learned, series(), tmp_path / "x")


def test_numbers_and_cases_are_those_of_sbml():
    x = sympy.Symbol("x_1", real=True)
    root = mathml(sympy.Rational(1, 3) * x + 1e-20 + sympy.sign(x - 2))
    text = ElementTree.tostring(root, encoding="unicode")
    assert 'type="rational">1<' in text
    assert "1<sep />-20" in text
    again = ElementTree.fromstring(text)
    assert value_of(again, {"x_1": 5.0}) == pytest.approx(5 / 3 + 1)
    assert value_of(again, {"x_1": 1.0}) == pytest.approx(1 / 3 - 1)


def test_functions_that_sbml_lacks_are_named():
    with pytest.raises(ConfigError, match=r"erf\(x\) holds erf"):
        mathml(sympy.erf(sympy.Symbol("x")))


PROCESS = """
from sciren import Parameter, State, process_model

@process_model(
    [Parameter("k", low=0.01, high=0.9, per="group", start=0.3)], ["rain"], {"out": "store"},
    state=[State("store", start=10)], time="ode",
)
def draining(s, p, f):
    return {"store": f.rain - p.k * s.store}
"""
CONFIG = """
data: {path: sites.csv, groups: site, time: day}
features: [clay]
decoder: model.py:draining
forcings: {rain: rain}
targets: [out]
split: {kind: group}
discovery: {families: [linear], bootstrap: 0}
out: run
"""


@pytest.mark.slow
def test_a_run_is_written_with_whole_groups(tmp_path):
    rng = np.random.default_rng(2)
    clay, store = np.linspace(-1, 1, 24), np.full(24, 10.0)
    rain, out = rng.gamma(0.5, 8.0, (40, 24)), np.empty((40, 24))
    for day in range(40):
        k = 0.3 + 0.2 * clay
        out[day] = store + 0.02 * rng.normal(size=24)
        store = store * np.exp(-k) + rain[day] / k * (1 - np.exp(-k))
    stamps = pd.Timestamp("2001-01-01") + pd.to_timedelta(np.arange(40), unit="D")
    pd.DataFrame(
        {
            "site": np.repeat([f"s{k}" for k in range(24)], 40),
            "day": np.tile(stamps.strftime("%Y-%m-%d"), 24),
            "clay": np.repeat(clay, 40), "rain": rain.T.ravel(), "out": out.T.ravel(),
        }
    ).to_csv(tmp_path / "sites.csv", index=False)  # fmt: skip
    (tmp_path / "model.py").write_text(PROCESS)
    (tmp_path / "config.yaml").write_text(CONFIG)
    folder = run(load_config(tmp_path / "config.yaml"), quiet=True)
    problem = petab_problem(folder, tmp_path / "problem", rows=100)
    experiments = pd.read_csv(problem / "experiments.tsv", sep="\t")
    assert experiments.groupby("experimentId").size().tolist() == [40, 40]
    spread = pd.read_csv(problem / "parameters.tsv", sep="\t").set_index("parameterId")
    assert float(spread.nominalValue["out_sd"]) < 0.1
