"""Forecasts of refits: exact where the loss is quadratic, and they spare refits."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from symbolic import symbolify
from symbolic.curves.extract import extract
from symbolic.options import SymbolicOptions
from symbolic.search import climb as searching
from symbolic.search.climb import Search
from symbolic.search.forecast import Forecast
from symbolic.search.observations import observed
from symbolic.search.refit import refit
from symbolic.search.starting import additive_start, fit_latent

NAMES = [f"x{i}" for i in range(5)]


def rows(seed=0, count=250):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5))
    one = x[:, 0] + 0.6 * x[:, 1] ** 2 + np.exp(0.6 * x[:, 2]) + np.abs(x[:, 3])
    two = 3 * np.log(x[:, 4] + 6) - x[:, 0] + np.abs(x[:, 1] - 0.3)
    data = pd.DataFrame(x, columns=NAMES)
    data["u"] = one + 0.05 * rng.normal(size=count)
    data["v"] = two + 0.05 * rng.normal(size=count)
    return Table.from_frame(data, NAMES, [], ["u", "v"])


@pytest.fixture(scope="module")
def trained():
    model, table = ScIReN(KANEncoder(5, 2, seed=0)), rows()
    fit(model, table, rows(1), TrainConfig(select=False))
    return model, table


@pytest.fixture
def search(trained):
    model, table = trained
    curves = extract(model, table)
    fitted = [fit_latent(curve, NAMES, SymbolicOptions()) for curve in curves]
    with torch.no_grad():
        seen = observed(model, table)
    return Search(seen.term, seen.scaled, fitted)


@torch.no_grad()
def test_a_step_to_a_line_is_forecast_exactly_where_the_loss_is_quadratic(search):
    best = search.run(torch.empty(0))
    changes = list(search.edge_changes(best.structures, 0, 0))
    changes += search.edge_changes(best.structures, 1, 0)
    lines = [one for one in changes if one.family in ("linear", "dropped")]
    assert len(lines) > 1
    forecast = Forecast(search.term, search.scaled, best.structures, best.constants)
    assert abs(forecast.unchanged / best.loss - 1) < 1e-4
    for change in lines:
        found = refit(search.term, search.scaled, change.structures, best.constants)
        expected = forecast.after(change.latent, change.structures[change.latent])
        # other curves of the latent may bend a little in the refit, never for the worse
        assert 0.5 * expected < found.loss < 1.05 * expected, change.family


@torch.no_grad()
def test_a_forecast_through_a_process_is_close_to_the_refit():
    rng = np.random.default_rng(3)
    x, ta = rng.normal(size=(300, 2)), rng.uniform(-5, 25, 300)
    reco = (4 + x[:, 0] + 0.3 * x[:, 1] ** 2) * 1.8 ** ((ta - 15) / 10)
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "ta": ta})
    data["reco"] = reco * (1 + 0.02 * rng.normal(size=300))
    table = Table.from_frame(data, ["a", "b"], ["ta"], ["reco"])
    model = ScIReN(KANEncoder(2, 1), "auto", Q10Respiration())
    with torch.enable_grad():
        fit(model, table, table, TrainConfig(select=False))
    seen = observed(model, table)
    fitted = [
        fit_latent(one, ("a", "b"), SymbolicOptions()) for one in extract(model, table)
    ]
    search = Search(seen.term, seen.scaled, fitted)
    best = search.run(model.constant_raw.detach())
    for change in search.changes(best.structures):
        refitted = search.score(change.structures, best.constants)
        gap = refitted.criterion - best.criterion
        assert search.foreseen(best, change) == pytest.approx(gap, rel=0.3, abs=20)


def test_many_edges_get_the_same_formulas_with_fewer_refits(trained, monkeypatch):
    model, table = trained
    count = []

    def counted(*args, **kwargs):
        count.append(1)
        return refit(*args, **kwargs)

    monkeypatch.setattr(searching, "refit", counted)
    found = []
    for many in (12, 3):
        monkeypatch.setattr(searching, "MANY", many)
        count.clear()
        symbolic = symbolify(model, table, compose=0)
        chosen = [row for row in symbolic.candidate_rows if row["selected"]]
        found.append((symbolic, chosen[0]["criterion"], len(count)))
    (one, least, all_), (two, forecast, few) = found
    assert list(one.edges.family) == list(two.edges.family)
    assert forecast == pytest.approx(least, abs=0.1)
    assert few < 0.8 * all_


@torch.no_grad()
def test_what_has_no_finite_curvature_is_never_promising(search):
    start = tuple(additive_start(latent) for latent in search.latents)
    forecast = Forecast(search.term, search.scaled, start, torch.empty(0))
    forecast.gradient = forecast.gradient * np.nan
    assert forecast.after(0, start[0]) == np.inf
