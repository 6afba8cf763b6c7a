"""Profiles of constants: their shape, their errors, and what is not identified."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sciren.constraints import Identity
from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.parameters import Parameter
from sciren.solvers.levenberg import minimise
from sciren.solvers.profile import (
    ProfileSummary,
    estimate,
    profile_constants,
    search_range,
)


def latent(name="a"):
    return Parameter(name)


def constant(name="k", **more):
    return Parameter(name, kind="constant", **more)


def solved(problem):
    """The best point from the declared start."""
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    theta[:, -problem.n_constants :] = problem.term.model.constant_raw.detach()
    return minimise(problem, theta, 60).theta[0]


def profiled(problem, points=25, ranges=None):
    return profile_constants(problem, solved(problem), points, ranges or {})


def slope_study(make, effect, true, decoder_constant, rows=200, noise=0.1, seed=0):
    """y = a(x) + effect(k) t with a known effect."""

    @process_model([latent(), decoder_constant], ["t"], ["y"])
    def sloped(p, f):
        return p.a + effect(p.k) * f.t

    x, t = make.normals(rows, 1, seed=seed), make.normals(rows, seed=seed + 1)
    y = x[:, 0] + true * t + noise * make.normals(rows, seed=seed + 2)
    table = Table(x, {"t": t}, y.unsqueeze(1), ("x",), ("y",))
    return make.additive(table, decoder=sloped, constraint=Identity())


# -- its shape ----------------------------------------------------------------------
def test_the_profile_is_the_best_loss_at_each_value(make):
    table, _ = make.respiration(250)
    problem = make.additive(table, constraint=Identity())
    (summary,), best = profiled(problem, 9)
    a, penalty = (
        problem.spline.columns(slice(None)).numpy(),
        problem.penalty[:-1, :-1].numpy(),
    )
    y, ta = table.targets[:, 0].numpy(), table.forcings["ta"].numpy()

    def best_loss(q10):
        factor = q10 ** ((ta - 15) / 10) / y.std()
        b = a * factor[:, None]
        right = y / y.std() - float(problem.shift) * factor
        c = np.linalg.solve(b.T @ b / 250 + penalty, b.T @ right / 250)
        return ((b @ c - right) ** 2).mean() + c @ penalty @ c

    lowest = best_loss(summary.estimate)
    values = [point["value"] for point in summary.points]
    assert (values[0], values[-1]) == pytest.approx((0.3, 10.0), rel=1e-14)
    assert len(values) == 10  # the estimate is a point too
    assert min(abs(v - summary.estimate) for v in values) < 1e-6
    for point in summary.points:
        excess = best_loss(point["value"]) / lowest - 1
        assert point["loss"] == pytest.approx(excess, rel=1e-5, abs=1e-6)
        assert point["chi_square"] == pytest.approx(250 * point["loss"])
        assert point["constant"] == "q10"
    assert float(best[-1]) == pytest.approx(math.log(summary.estimate))


def test_the_error_is_where_chi_square_is_one(make):
    table, _ = make.respiration(300)
    problem = make.additive(table, constraint=Identity())
    theta = solved(problem)
    value, error = estimate(problem, theta, 0)
    ends = {"q10": (value - error, value + error)}
    (summary,), _ = profile_constants(problem, theta, 5, ends)
    found = [summary.points[0]["chi_square"], summary.points[-1]["chi_square"]]
    free = problem.size
    assert found == pytest.approx([300 / (300 - free)] * 2, rel=0.1)


def test_errors_do_not_count_parameters_that_are_held(make):
    table, _ = make.respiration(60, features=3)
    problem = make.additive(table)
    edges = torch.tensor([[True], [True], [False]]).unsqueeze(0)
    held = problem.with_active(problem.mask_of(edges))
    theta = minimise(held, solved(problem).unsqueeze(0) * held.active).theta[0]
    _, error = estimate(held, theta, 0)
    free = int(held.active.sum())
    assert free == problem.size - 8
    normal = held.normal(theta.unsqueeze(0), torch.zeros(1, dtype=torch.long))
    keep = held.active[0]
    inverse = torch.linalg.inv(normal.matrix[0][keep][:, keep])
    data = normal.matrix[0] - held.penalty
    used = float((inverse @ data[keep][:, keep]).trace())
    assert 3 < used < free  # a level, two curves that are smoothed, and the constant
    expected = float((inverse[-1, -1] * normal.loss[0] / (60 - used)).sqrt())
    assert error / math.exp(float(theta[-1])) == pytest.approx(expected, rel=1e-4)


def test_estimates_scatter_as_the_errors_say(make):
    found, errors = [], []
    for seed in range(24):
        table, _ = make.respiration(200, seed=seed)
        problem = make.additive(table, constraint=Identity())
        value, error = estimate(problem, solved(problem), 0)
        found.append(value)
        errors.append(error)
    scores = (np.array(found) - 1.5) / np.array(errors)
    # Noise grows with the target, so that errors for equal noise are somewhat off.
    assert 0.5 < scores.std() < 2.0
    assert np.abs(scores).max() < 5


@pytest.mark.parametrize("seed", range(3))
def test_a_constant_that_the_data_determine_is_identified(make, seed):
    table, _ = make.respiration(300, seed)
    (summary,), _ = profiled(make.additive(table))
    assert summary.identified
    assert summary.reason == ""
    assert not summary.at_bound
    assert len(summary.minima) == 1
    assert summary.minima[0] == (summary.estimate, 0.0)
    assert abs(summary.estimate - 1.5) < 5 * summary.error
    assert summary.searched == (0.3, 10.0)


def test_every_other_constant_is_free_along_a_profile(make):
    @process_model([latent(), constant("b"), constant("k", low=0)], ["s", "t"], ["y"])
    def two(p, f):
        return p.a + p.b * f.s + p.k * f.t

    x = make.normals(200, 1)
    s = make.normals(200, seed=1)
    t = s + 0.3 * make.normals(200, seed=2)  # what b and k explain overlaps
    y = x[:, 0] + 2 * s + 3 * t + 0.1 * make.normals(200, seed=3)
    table = Table(x, {"s": s, "t": t}, y.unsqueeze(1), ("x",), ("y",))
    problem = make.additive(table, decoder=two, constraint=Identity())
    summaries, _ = profile_constants(problem, solved(problem), 7, {"k": (2.0, 4.0)})
    assert [summary.name for summary in summaries] == ["b", "k"]
    assert [summary.identified for summary in summaries] == [True, True]
    active = torch.ones(1, problem.size, dtype=torch.bool)
    active[:, -1] = False
    theta = solved(problem).unsqueeze(0)
    lowest = float(problem.loss(theta, torch.zeros(1, dtype=torch.long)))
    theta[:, -1] = math.log(2.0)
    held = float(minimise(problem.with_active(active), theta).loss)
    assert summaries[1].points[0]["loss"] == pytest.approx(held / lowest - 1, rel=1e-4)


# -- what is not identified ---------------------------------------------------------
def test_two_equal_minima_are_both_named(make):
    problem = slope_study(
        make, lambda k: k + 4 / k, 5.0, constant(low=0.0, start=1.2), noise=0.05
    )
    (summary,), _ = profiled(problem)
    assert not summary.identified
    assert [value for value, _ in summary.minima] == pytest.approx([1, 4], rel=0.02)
    assert all(chi < 1e-3 for _, chi in summary.minima)
    assert summary.reason.startswith("the profile has 2 minima, at ")
    assert len(summary.solutions) == 2


def test_the_better_of_two_minima_is_found_from_the_worse_one(make):
    # effect(k) = k^3 - 3 k comes near 2.5 at k = -1 and reaches it at k = 2.1.
    cubic = constant(low=-3.0, high=3.0, start=-1.0)
    problem = slope_study(make, lambda k: k**3 - 3 * k, 2.5, cubic, noise=0.4)
    theta = solved(problem)
    assert float(theta[-1]) == pytest.approx(-1, abs=0.05)
    (summary,), best = profile_constants(problem, theta, 25, {})
    assert summary.estimate == pytest.approx(2.1, abs=0.1)
    assert float(best[-1]) == summary.estimate
    assert [value for value, _ in summary.minima] == pytest.approx([-1, 2.1], abs=0.1)
    one = torch.zeros(1, dtype=torch.long)
    assert bool(
        problem.loss(best.unsqueeze(0), one) < problem.loss(theta.unsqueeze(0), one)
    )


def test_a_valley_beyond_the_range_is_noticed(make):
    problem = slope_study(
        make, lambda k: k**3 - 3 * k, 2.5, constant(low=-3.0, high=3.0, start=-1.0)
    )
    (summary,), _ = profile_constants(problem, solved(problem), 25, {"k": (-3.0, 1.5)})
    assert summary.at_bound
    assert not summary.identified


@pytest.mark.parametrize(("true", "bound"), [(5.0, 2.0), (0.1, 0.5)])
def test_the_best_value_at_a_bound_says_so(make, true, bound):
    problem = slope_study(
        make, lambda k: k, true, constant(low=0.5, high=2.0, start=1.0)
    )
    (summary,), _ = profiled(problem)
    assert summary.estimate == pytest.approx(bound)
    assert summary.at_bound
    assert summary.reason == "the best value lies at the edge of the searched range"


@pytest.mark.parametrize("bounds", [{"low": 0.0}, {}, {"low": -1.0, "high": 4.0}])
def test_a_constant_without_effect_is_flat(make, bounds):
    problem = slope_study(make, lambda k: 2.0 + 0 * k, 2.0, constant(**bounds))
    (summary,), best = profiled(problem)
    assert not summary.identified
    low, high = summary.searched
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert (
        summary.reason
        == f"every value between {low:.3g} and {high:.3g} fits equally well"
    )
    assert bool(torch.isfinite(best).all())
    assert float(best[-1]) == float(problem.term.model.constant_raw.detach())
    assert len(summary.minima) == 1


def test_a_constant_around_zero_has_one_minimum(make):
    problem = slope_study(make, lambda k: k, 0.0, constant())
    (summary,), _ = profiled(problem)
    assert len(summary.minima) == 1
    assert summary.identified
    assert abs(summary.estimate) < 5 * summary.error


def test_a_perfect_fit_has_a_profile_as_well(make):
    problem = slope_study(make, lambda k: k, 0.0, constant(), noise=0.0)
    zero = replace(problem.term.observations, values=torch.zeros(200, 1).double())
    problem.term.observations = zero
    (summary,), _ = profile_constants(
        problem, torch.zeros(problem.size).double(), 5, {"k": (-1.0, 1.0)}
    )
    assert summary.estimate == 0.0
    assert all(point["chi_square"] >= 0 for point in summary.points)


# -- the range ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bounds", "found", "expected"),
    [
        ({"low": 0.0, "start": 1.5}, (1.5, 0.1), (0.3, 10.0)),
        ({"low": 0.0, "start": 1.5}, (12.0, 0.1), (0.3, 18.0)),
        ({"low": 0.0, "start": 1.5}, (0.3, 0.1), (0.2, 10.0)),
        ({"low": 1.2, "start": 1.5}, (1.5, 0.1), (1.2, 10.0)),
        ({"low": 0.0, "high": 6.0, "start": 1.5}, (1.5, 0.1), (0.3, 6.0)),
        ({"low": 0.5, "high": 2.0}, (1.5, 0.1), (0.5, 2.0)),
        ({"low": -1.0, "high": 2.0}, (1.5, 0.1), (-1.0, 2.0)),
        ({}, (1.5, 0.1), (0.7, 2.3)),
        ({}, (0.0, 0.0), (-8e-6, 8e-6)),
        ({}, (2.0, math.inf), (-14.0, 18.0)),
        ({"low": -1.0}, (0.0, 1.0), (-1.0, 8.0)),
        ({"high": 1.0}, (0.0, 1.0), (-8.0, 1.0)),
    ],
)
def test_the_range_is_wide_but_inside_the_bounds(bounds, found, expected):
    low, high = search_range(constant(**bounds), *found, None)
    assert (low, high) == pytest.approx(expected)
    assert search_range(constant(**bounds), *found, (3.0, 4.0)) == (3.0, 4.0)


# -- the verdict --------------------------------------------------------------------
def summary_of(**changes):
    values = {
        "name": "k",
        "unit": "",
        "estimate": 2.0,
        "error": 0.1,
        "searched": (0.3, 10.0),
        "minima": [(2.0, 0.0)],
        "at_bound": False,
        "points": [{"constant": "k", "chi_square": 50.0}],
    }
    return ProfileSummary(**values | changes)


@pytest.mark.parametrize(
    ("changes", "positive", "reason"),
    [
        ({}, True, ""),
        (
            {"at_bound": True},
            True,
            "the best value lies at the edge of the searched range",
        ),
        (
            {"minima": [(1.5, 0.0), (5.1, 9.0)]},
            True,
            "the profile has 2 minima, at 1.5 and 5.1",
        ),
        ({"minima": [(1.5, 0.0), (5.1, 101.0)]}, True, ""),
        (
            {"error": 0.4},
            True,
            "its 95 % interval 1.22 to 2.78 spans more than a factor of 2",
        ),
        ({"error": 0.4}, False, ""),
        (
            {"error": 2.0},
            True,
            "its 95 % interval -1.92 to 5.92 spans more than a factor of 2",
        ),
        ({"interval": (1.9, 2.2), "error": 2.0}, True, ""),
        (
            {"interval": (1.0, 2.2)},
            True,
            "its 95 % interval 1 to 2.2 spans more than a factor of 2",
        ),
        (
            {"points": [{"constant": "k", "chi_square": 1.0}], "at_bound": True},
            True,
            "every value between 0.3 and 10 fits equally well",
        ),
    ],
)
def test_the_verdict_names_its_reason(changes, positive, reason):
    summary = summary_of(**changes)
    summary.judge(positive)
    assert summary.reason == reason
    assert summary.identified == (not reason)


def test_another_name_goes_into_the_points_too():
    summary = summary_of()
    summary.rename("k, all offered features")
    assert summary.name == "k, all offered features"
    assert [point["constant"] for point in summary.points] == [summary.name]


@process_model(
    [latent(), constant("m"), constant("k", low=-3, high=3, start=-1.0)],
    ["t", "s"],
    ["y"],
)
def two_constants(p, f):
    """The effect of k has a local optimum at -1, and k shifts what m explains."""
    return p.a + (p.k**3 - 3 * p.k) * f.t + (p.m + p.k) * f.s


def test_a_summary_holds_at_the_minimum_that_a_later_profile_finds(make):
    x, t, s = make.normals(300, 1), make.normals(300, seed=1), make.normals(300, seed=2)
    y = x[:, 0] + 2.5 * t + 1.0 * s + 0.3 * make.normals(300, seed=3)
    table = Table(x, {"t": t, "s": s}, y.unsqueeze(1), ("x",), ("y",))
    problem = make.additive(table, decoder=two_constants, constraint=Identity())
    (m, k), best = profiled(problem)
    assert k.estimate == pytest.approx(2.07, abs=0.1)
    assert m.estimate == pytest.approx(1.0 - k.estimate, abs=0.1)
    assert m.estimate == pytest.approx(float(best[-2]), abs=1e-3)
