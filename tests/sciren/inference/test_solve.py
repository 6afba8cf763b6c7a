"""Gauss-Newton through a process: what it finds, and what it does not move."""

import numpy as np
import pytest

from sciren import LinearEncoder, ScIReN, Table
from sciren.decoders import Q10Respiration
from sciren.inference.design import Design
from sciren.inference.observed import ObservedProcess
from sciren.inference.search import feature_bases
from sciren.inference.solve import redrawn, solve


def design_of(process, edges):
    return Design.of(process, edges, feature_bases(process))


def test_the_truth_behind_a_process_is_found(respiration):
    model, table, frame = respiration
    process = ObservedProcess.of(model, table)
    fit = solve(process, design_of(process, [(0, 0), (1, 0)]))
    assert fit.converged
    assert np.exp(fit.constants[0]) == pytest.approx(1.8, abs=0.05)
    truth = 3 + 0.6 * frame.a + 0.3 * frame.b**2
    assert np.corrcoef(fit.raw_latents()[:, 0], truth)[0, 1] > 0.995


def test_at_a_minimum_the_gradient_vanishes_with_a_penalty_too(respiration):
    model, table, _ = respiration
    process = ObservedProcess.of(model, table)
    design = design_of(process, [(0, 0), (1, 0)])
    penalty = design.penalty([1.0, 1.0])
    fit = solve(process, design, penalty=penalty, steps=100)
    slope = fit.jacobian.T @ fit.residual - penalty @ fit.theta
    assert (
        np.abs(slope).max() < 1e-2 * np.abs(fit.jacobian.T @ process.values).max() / 100
    )


def test_two_edges_that_repeat_each_other_are_no_obstacle(respiration):
    model, table, _ = respiration
    process = ObservedProcess.of(model, table)
    bases = list(feature_bases(process))
    bases[2] = bases[0]
    both = Design.of(process, [(0, 0), (1, 0), (2, 0)], bases)
    one = design_of(process, [(0, 0), (1, 0)])
    assert solve(process, both).loss == pytest.approx(
        solve(process, one).loss, rel=1e-4
    )


def test_a_fit_is_redrawn_on_bases_of_other_rows(respiration):
    model, table, _ = respiration
    process = ObservedProcess.of(model, table)
    fit = solve(process, design_of(process, [(0, 0), (1, 0)]))
    again = redrawn(fit, fit.design, process)
    assert fit.design.raw(again, process.n_rows) == pytest.approx(fit.raw_latents())
    # Half of the rows have other knots and middles; an edge that was not there is flat.
    rows = np.arange(0, process.n_rows, 2)
    half = process.take(rows)
    design = design_of(half, [(0, 0), (1, 0), (2, 0)])
    theta = redrawn(fit, design, half)
    assert (theta[design.blocks[2]] == 0).all()
    before = fit.raw_latents()[rows, 0]
    assert (
        np.abs(design.raw(theta, len(rows))[:, 0] - before).max() < 0.1 * before.std()
    )


def in_unit(frame, unit):
    table = Table.from_frame(
        frame.assign(y=unit * frame.y),
        ["a", "b", "c", "d"],
        {"ta": "ta"},
        {"reco": "y"},
    )
    model = ScIReN(LinearEncoder(4, 1), "auto", Q10Respiration())
    process = ObservedProcess.of(model, table)
    return solve(process, design_of(process, [(0, 0), (1, 0)]))


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_the_targets_changes_no_constant(respiration, unit):
    _, _, frame = respiration
    plain, other = in_unit(frame, 1.0), in_unit(frame, unit)
    assert other.constants == pytest.approx(plain.constants, abs=1e-4)
    assert other.raw_latents() / unit == pytest.approx(plain.raw_latents(), rel=1e-3)


def test_constant_latents_that_start_far_too_high_come_back(respiration):
    model, table, _ = respiration
    process = ObservedProcess.of(model, table)
    design = design_of(process, [])
    start = np.array([1e4, *process.start_constants])
    fit, near = solve(process, design, start=start), solve(process, design)
    assert fit.loss == pytest.approx(near.loss, rel=1e-4)
