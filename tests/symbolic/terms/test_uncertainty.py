"""Errors of printed constants: the delta method, against formulas known by heart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    FeatureScaling,
    LinearEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Table,
    process_model,
)
from symbolic.families.variants import form_named
from symbolic.search.observations import observed, units_of
from symbolic.search.problem import SymbolicProblem
from symbolic.search.refit import refit
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.structure import LatentStructure
from symbolic.terms.uncertainty import constant_table, identification, physical_errors

ROWS = 500
LINEAR = form_named("linear", "")


@process_model([Parameter("level")], targets=["y"])
def level(p, f):
    return p.level


def study(truth, decoder, seed=0, noise=0.1, blocks=None, common=0.0):
    """Return model, table, and the refit of a planted structure of scaled features."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.uniform(100, 500, ROWS), rng.uniform(-5, 25, ROWS)])
    features = torch.from_numpy(x)
    scaling = FeatureScaling.fit(features, "standard")
    z = scaling.apply(features).numpy()
    ta = torch.from_numpy(rng.uniform(-5, 25, ROWS))
    clean = truth.value(z)
    if decoder.constant_names:
        clean = clean * 1.8 ** ((ta.numpy() - 15) / 10)
    y = torch.from_numpy(clean + noise * rng.normal(size=ROWS))[:, None]
    rows = Table(features, {"ta": ta}, y, ("par", "swc"), decoder.targets)
    if blocks is not None:
        shared = torch.from_numpy(common * rng.normal(size=int(blocks.max()) + 1))
        rows = replace(rows, blocks=blocks, targets=y + shared[blocks][:, None])
    model = ScIReN(LinearEncoder(2, 1), "auto", decoder)
    model.set_scaling(scaling, rows.feature_names)
    seen = observed(model, rows)
    start = torch.full((len(decoder.constant_names),), 0.5)
    found = refit(seen.term, seen.scaled, [truth], start)
    return (
        found,
        SymbolicProblem(seen.term, seen.scaled, found.structures),
        units_of(model, rows),
    )


def edges(*slopes):
    return tuple(EdgeTerm(k, LINEAR, (slope,)) for k, slope in enumerate(slopes))


def test_raw_coefficients_of_a_linear_model_have_the_robust_errors_of_least_squares():
    found, problem, units = study(
        LatentStructure("level", 3.0, edges(0.5, -0.3)), level
    )
    table = constant_table(found, problem, units, {"level": "mm"})
    x = units.shift + units.scale * problem.z
    design = np.column_stack([np.ones(ROWS), x])
    y = (problem.term.observations.values * problem.term.observations.scale.sd).numpy()
    expected, *_ = np.linalg.lstsq(design, y[:, 0])
    bread = np.linalg.inv(design.T @ design)
    leverage = np.sum(design @ bread * design, axis=1)
    left = (y[:, 0] - design @ expected) / (1 - leverage)
    spread = bread @ (design.T * left**2 @ design) @ bread
    np.testing.assert_allclose(table.value, expected, rtol=1e-8)
    np.testing.assert_allclose(table.error, np.sqrt(np.diag(spread)), rtol=1e-4)
    np.testing.assert_allclose(table.high - table.low, 2 * 1.96 * table.error)


def test_errors_tell_whether_rows_or_blocks_were_asked():
    truth = LatentStructure("level", 3.0, edges(0.5, -0.3))
    weeks = torch.arange(ROWS) // 10
    alone, together = (
        study(truth, level, blocks=some, common=0.3)
        for some in (torch.arange(ROWS), weeks)
    )
    assert "500 rows one by one (HC3)" in identification(*alone).method
    assert "50 blocks of rows" in identification(*together).method
    blind, _, _ = study(truth, level, noise=float(np.hypot(0.1, 0.3)))
    mean = [float(one.covariance[0, 0]) ** 0.5 for one in (together[0], blind)]
    assert mean[0] == pytest.approx(0.3 / 50**0.5, rel=0.4)
    assert mean[1] == pytest.approx(np.hypot(0.1, 0.3) / ROWS**0.5, rel=0.2)


def test_the_table_has_fixed_columns_and_names():
    truth = LatentStructure(
        "level", 3.0, edges(0.5), (Node("exp", 1.0, 0.2, edges(0.4)),)
    )
    found, problem, units = study(truth, level)
    table = constant_table(found, problem, units, {"level": "mm"})
    assert list(table.columns) == [
        "name", "latent", "source", "role", "value", "error", "low", "high", "unit",
        "kind",
    ]  # fmt: skip
    assert table.name.tolist() == ["level_0", "a_par", "c_level_1", "a_par_1"]
    assert table.unit.tolist() == ["mm", "", "", ""]
    assert set(table.latent) == {"level"}


def test_the_error_of_an_amplitude_includes_what_its_unit_takes_from_the_rate():
    """a exp(b z) = a exp(-b m / s) exp(b / s x): the raw amplitude depends on both."""
    truth = LatentStructure(
        "level", 1.0, (EdgeTerm(1, form_named("exp", ""), (0.8, 0.6)),)
    )
    found, problem, units = study(truth, level)
    table = constant_table(found, problem, units, {}).set_index("name")
    c, shift, scale = found.theta.numpy(), units.shift[1], units.scale[1]
    factor = np.exp(-c[2] * shift / scale)
    slopes = np.array([factor, -c[1] * factor * shift / scale])
    spread = found.covariance[1:3, 1:3].numpy()
    assert table.value["a_swc"] == pytest.approx(c[1] * factor)
    assert table.error["a_swc"] == pytest.approx(
        np.sqrt(slopes @ spread @ slopes), rel=1e-5
    )
    assert table.error["b_swc"] == pytest.approx(
        np.sqrt(spread[1, 1]) / scale, rel=1e-5
    )


def test_process_constants_have_errors_in_their_own_unit():
    found, problem, _ = study(
        LatentStructure("rb", 3.0, edges(0.5, -0.3)), Q10Respiration()
    )
    error = physical_errors(found, problem)["q10"]
    in_logs = float(found.covariance[-1, -1].sqrt())
    assert error == pytest.approx(1.8 * in_logs, rel=0.01)
    assert 0 < error < 0.05


def test_what_is_not_free_has_no_error():
    node = Node("log", 1.5, 6.0, edges(0.8, 0.5))
    truth = LatentStructure("level", 0.0, (), (node,), offset_free=False)
    found, problem, units = study(truth, level)
    table = constant_table(found, problem, units, {})
    assert table.role.tolist() == ["index offset", "a", "a", "amplitude"]
    assert bool((table.error > 0).all())


def test_a_model_without_process_constants_has_no_errors_of_them():
    found, problem, units = study(
        LatentStructure("level", 3.0, edges(0.5, -0.3)), level
    )
    assert physical_errors(found, problem) == {}
    assert isinstance(constant_table(found, problem, units, {}), pd.DataFrame)
