"""Process models with states: reference series, and balances that close."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sciren.processes import SHELF

SERIES = json.loads(
    (Path(__file__).parents[2] / "data/process_series.json").read_text(encoding="utf-8")
)
STEPS = [name for name, model in SHELF.items() if getattr(model, "time", "") == "step"]


def simulate(name, p, start, forcings):
    """Run a model step by step in plain numbers; targets and states after each step."""
    model = SHELF[name]
    known = {q.name: float(q.initial) for q in model.parameters} | p
    state, rows = dict(start), []
    for k in range(len(next(iter(forcings.values())))):
        f = SimpleNamespace(**{n: np.float64(v[k]) for n, v in forcings.items()})
        result = model.called(
            SimpleNamespace(**{n: np.float64(v) for n, v in state.items()}),
            SimpleNamespace(**known),
            f,
        )
        # a model whose targets are states gives no others
        state, out = (result, {}) if isinstance(result, dict) else result
        rows.append({**state, **out})
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


@pytest.mark.parametrize("name", STEPS)
def test_reference_series_come_out(name):
    for case in SERIES[name]:
        found = simulate(name, case["p"], case["start"], case["f"])
        for key, expected in case["out"].items():
            np.testing.assert_allclose(
                found[key], expected, rtol=1e-6, atol=1e-9, err_msg=key
            )


def weather(days=400):
    generator = np.random.default_rng(0)
    season = np.sin(np.arange(days) / 365 * 2 * np.pi)
    return {
        "p": generator.gamma(0.3, 10, days),
        "ta": 5 - 10 * season + generator.normal(0, 3, days),
        "pet": 2 - 1.5 * season,
    }


STORES = {
    "degree_day_snow": (["swe"], ["liquid"]),
    "bucket": (["soil"], ["e", "q"]),
    "linear_reservoir": (["store"], ["q"]),
    "hbv": (["snow", "melted", "soil", "upper", "lower"], ["q", "e"]),
}


@pytest.mark.parametrize("name", STORES)
def test_water_is_conserved(name):
    stores, leaving = STORES[name]
    start = dict.fromkeys(stores, 20.0)
    given = {n: weather()[n] for n in SHELF[name].forcings}
    found = simulate(name, {}, start, given)
    gained = sum(found[store][-1] for store in stores) - 20.0 * len(stores)
    lost = sum(found[target].sum() for target in leaving)
    assert gained + lost == pytest.approx(given["p"].sum(), rel=1e-12)
    assert all((found[store] >= -1e-12).all() for store in stores)


def test_unit_hydrographs_of_gr4j_pass_all_water_on():
    start = {s.name: 0.0 for s in SHELF["gr4j"].states} | {
        "soil": 100.0,
        "routing": 40.0,
    }
    given = {n: weather()[n] for n in ("p", "pet")}
    found = simulate("gr4j", {"x2": 0.0, "x4": 2.9}, start, given)
    stores = [s.name for s in SHELF["gr4j"].states]
    gained = sum(found[store][-1] for store in stores) - 140.0
    # evaporation is what neither store nor river holds, between nothing and the demand
    evaporated = given["p"].sum() - found["q"].sum() - gained
    assert 0 < evaporated < given["pet"].sum()


def test_carbon_of_rothc_is_conserved():
    months = 60
    given = {
        "ta": 8 + 9 * np.sin(np.arange(months) / 6 * np.pi), "rain": np.full(months, 60.0),
        "pan": np.full(months, 50.0), "clay": np.full(months, 25.0),
        "plants": np.full(months, 0.14),
    }  # fmt: skip
    start = {"dpm": 0.2, "rpm": 5.0, "bio": 0.7, "hum": 25.0, "deficit": 0.0}
    found = simulate("rothc_month", {}, start, given)
    assert found["soc"][-1] - 30.9 + found["co2"].sum() == pytest.approx(0.14 * months)


def test_lotka_and_volterra_go_round_and_keep_their_invariant():
    model = SHELF["lotka_volterra"]
    p = SimpleNamespace(alpha=0.55, beta=0.028, delta=0.024, gamma=0.8)

    def slope(_, state):
        s = SimpleNamespace(prey=state[0], predators=state[1])
        result = model.called(s, p, SimpleNamespace())
        return [result["prey"], result["predators"]]

    way = solve_ivp(slope, (0, 5), [30, 4], t_eval=[1, 5], rtol=1e-10, atol=1e-10)
    assert way.y[:, 0] == pytest.approx([46.38607301, 4.435270355], rel=1e-6)
    assert way.y[:, 1] == pytest.approx([18.584839, 49.529952], rel=1e-6)
    x, y = way.y
    kept = p.delta * x - p.gamma * np.log(x) + p.beta * y - p.alpha * np.log(y)
    assert kept == pytest.approx(-2.65141980, rel=1e-8)
