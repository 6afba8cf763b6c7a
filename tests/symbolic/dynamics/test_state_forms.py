"""Closed forms of functions of a state: derivatives, formulas, recovery, refusal."""

import json

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren import Parameter, SeriesTable, State, TrainConfig, process_model
from sciren.datasets.catchments import autoregressive, weather
from sciren.dynamics import SeriesProcess, Values, fit_state_function
from symbolic.dynamics import (
    Recurrence,
    no_relations,
    process_latex,
    recurrence_code,
    state_forms,
)
from symbolic.dynamics.state_closed_forms import with_relation
from symbolic.dynamics.state_formula import StateFormula
from symbolic.dynamics.state_relation import (
    STATE_FAMILIES,
    KnownCurve,
    fit_relation,
    relations,
)
from symbolic.expression.evaluate import compile_numpy

DAYS = 180
EVERY = relations(STATE_FAMILIES, reference=40.0, low=0.0)


@process_model(
    parameters=[Parameter("drain", low=0, inputs=["state.soil"], range=(0, 200), start=1)],
    state=[State("soil", start=60, low=0)],
    warmup=20, forcings=["rain", "pet"], targets=["q"],
)  # fmt: skip
def store(s, p, f):
    return {"soil": s.soil + f.rain - 0.3 * f.pet - p.drain}, {"q": p.drain}


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(4)
    rain, pet = (one[:, 0] for one in weather(rng, DAYS, 1))
    soil, q = 60.0, np.empty(DAYS)
    for t in range(DAYS):
        q[t] = 2e-4 * soil**2.2
        soil = max(soil + rain[t] - 0.3 * pet[t] - q[t], 0.0)
    noisy = q * np.exp(0.05 * autoregressive(rng, DAYS, 1, 0.6)[:, 0])
    frame = pd.DataFrame({"t": np.arange(DAYS), "rain": rain, "pet": pet, "q": noisy})
    series = SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="d", forcings=["rain", "pet"], targets=["q"]
    )  # fmt: skip
    return state_forms(fit_state_function(store, series, TrainConfig(residual="log")))


def example(relation):
    """Constants inside the domain of every family."""
    known = {"a": 1.3, "s": 0.2, "d": 0.1, "b": 0.7, "p": 1.7, "k": 1.5, "n": 2.5}
    if relation.form.variant.branch == "-":
        known |= {"s": 9.0}
    return np.array([known[name] for name in relation.names])


@pytest.mark.parametrize("relation", EVERY, ids=lambda one: one.label)
def test_derivatives_and_formula_are_those_of_the_value(relation):
    x, constants = np.linspace(5.0, 180.0, 23), example(relation)
    here, step = relation.at(constants), 1e-4
    ahead, back = here.value(x + step), here.value(x - step)
    np.testing.assert_allclose(here.slope(x), (ahead - back) / (2 * step), atol=1e-7)
    columns = here.by_constants(x)
    for k in range(len(constants)):
        moved = 1e-6 * (np.arange(len(constants)) == k)
        differences = relation.at(constants + moved).value(x) - relation.at(
            constants - moved
        ).value(x)
        np.testing.assert_allclose(columns[:, k], differences / 2e-6, atol=1e-6)
    formula = relation.expression(constants, "soil", reaches_low=False)
    np.testing.assert_allclose(
        compile_numpy(formula, ["soil"])(x), here.value(x), rtol=1e-10
    )


@pytest.mark.parametrize(
    "relation",
    [one for one in EVERY if one.form.family != "constant"],
    ids=lambda one: one.label,
)
def test_a_member_of_a_family_is_found_again(relation):
    x = np.linspace(8.0, 150.0, 40)
    y = relation.at(example(relation)).value(x)
    fitted = fit_relation(relation, KnownCurve(x, y, np.eye(40) / (0.01 * np.ptp(y))))
    assert fitted is not None
    assert fitted[1] < 1.0  # a hundredth of the curve everywhere at most


def test_a_power_comes_back_with_errors_that_hold_it(found):
    best = found.best
    assert not found.refused
    assert best.relation.label == "power+, d = s = 0"
    assert found.equals[0] == best.relation.label
    assert abs(best.constants["p"] - 2.2) < 3 * best.errors["p"]
    true = 2e-4 * best.relation.reference**2.2
    assert abs(best.constants["a"] - true) < 3 * best.errors["a"]
    assert best.errors["p"] < 0.15


def test_the_recurrence_with_the_formula_is_the_process(found):
    law = found.recurrence()
    assert law.parameters == ()
    process, problem = found.fit.problem.process, found.fit.problem
    values = problem.values(found.fit.theta)
    run = process.simulate(
        type(values)({}, values.starts, {"drain": found.best.function})
    )
    _, outputs = law.run({}, process.table.forcings)
    np.testing.assert_allclose(outputs["q"], run.outputs[0], rtol=1e-9)


def test_the_function_is_printed_stored_and_coded_with_the_recurrence(found):
    law = found.recurrence()
    assert any("drain}_{i,t} = " in line for line in process_latex(law, (), {}))
    again = Recurrence.from_json(json.loads(json.dumps(law.to_json())))
    assert again.functions.keys() == {"drain"}
    rain = {"rain": np.full((5, 1), 3.0), "pet": np.full((5, 1), 1.0)}
    forcings = {name: rain[name] for name in law.forcings}
    np.testing.assert_array_equal(
        again.run({}, forcings)[1]["q"], law.run({}, forcings)[1]["q"]
    )
    code = recurrence_code(law, no_relations(law), "python")
    assert "drain" not in code.split("def one_row")[-1]


def test_a_formula_of_a_state_is_its_relation(found):
    best, x = found.best, np.linspace(5.0, 120.0, 9)
    formula = StateFormula(best.expression, "soil")
    np.testing.assert_allclose(formula.value(x), best.function.value(x), rtol=1e-9)
    np.testing.assert_allclose(formula.slope(x), best.function.slope(x), rtol=1e-9)
    assert formula.by_constants(x).shape == (9, 0)
    held = StateFormula(sympy.Max(0, sympy.Symbol("soil", real=True) - 30), "soil")
    np.testing.assert_array_equal(held.slope(np.array([10.0, 50.0])), [0.0, 1.0])


def test_families_that_are_not_it_are_refused(found):
    poor = state_forms(found.fit, families=("linear", "logistic"))
    assert poor.refused
    assert "the best form, leaves" in poor.reason


def test_a_bound_that_is_reached_stands_in_the_formula():
    line = next(one for one in EVERY if one.label == "linear")
    formula = line.expression(np.array([2.0, -1.0]), "soil", reaches_low=True)
    values = compile_numpy(formula, ["soil"])(np.array([10.0, 40.0]))
    np.testing.assert_allclose(values, [0.0, 1.0])


def test_a_formula_inside_derivatives_runs_as_the_process_does():
    """The printed ODE and the simulation ask the function at the same instants."""

    @process_model(
        parameters=[Parameter("drain", low=0, inputs=["state.level"], range=(0, 9), start=1)],
        state=[State("level", start=5)], time="ode", forcings=["inflow"],
        targets={"h": "level"},
    )  # fmt: skip
    def tank(s, p, f):
        return {"level": f.inflow - p.drain}

    times = np.cumsum(np.random.default_rng(3).uniform(0.2, 1.5, 25))
    frame = pd.DataFrame({"t": times, "inflow": 1 + np.cos(times) ** 2})
    series = SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="h", forcings=["inflow"], gaps="keep"
    )
    formula = 0.7 * sympy.sqrt(sympy.Symbol("level", real=True))
    values = Values(
        {}, {"level": np.array([5.0])}, {"drain": StateFormula(formula, "level")}
    )
    process = SeriesProcess(tank, series, substeps=3)
    law = with_relation(Recurrence.of(tank, None, 3), "drain", formula)
    _, outputs = law.run({}, {"inflow": series.forcings["inflow"]}, series.intervals)
    run = process.simulate(values).outputs[0]
    np.testing.assert_allclose(outputs["h"], run, rtol=1e-12)
