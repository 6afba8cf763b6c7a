"""A line that the data hold straight is not doubted; one that they do not, is."""

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.open_lines import _open, largest_bends
from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference import ObservedProcess
from symbolic.composition.decision.open_lines import BEND
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure


@process_model(parameters=[Parameter("a")], forcings=["s"], targets=["y"])
def scaled(p, f):
    """The latent times a forcing."""
    return p.a * f.s


def bend_of(noise, rows=400, curvature=0.0, seed=0, memory=1.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=rows), "s": rng.uniform(0.5, 1.5, rows)})
    latent = 2.0 * frame.x + curvature * frame.x**2
    frame["y"] = frame.s * (latent + noise * rng.normal(size=rows))
    model = ScIReN(LinearEncoder(1, 1), "auto", scaled)
    process = ObservedProcess.of(model, Table.from_frame(frame, ["x"], ["s"], ["y"]))
    structure = LatentStructure("a", 0.0, (EdgeTerm(0, FAMILIES["linear"][0], (2.0,)),))
    fit = EquationFit(process, frame[["x"]].to_numpy(), (structure,), structure.pack())
    theta = fit.refitted(np.ones(rows, dtype=bool), np.ones(rows), steps=5)
    moved = EquationFit(process, fit.z, fit.structures, theta)
    (bend,) = largest_bends(moved, np.ones(rows), memory).values()
    return bend


def test_the_interval_shrinks_with_the_noise_and_the_root_of_the_rows():
    assert bend_of(0.05) < BEND < bend_of(4.0)
    few, many = (
        np.mean([bend_of(1.0, n, seed=s) for s in range(5)]) for n in (200, 800)
    )
    assert many < 0.75 * few
    # rows that count once in four know as little as a quarter of them
    assert bend_of(1.0, memory=4.0) > 1.3 * bend_of(1.0)


def test_a_bend_that_is_there_is_inside_its_interval():
    # b sd(x^2 | 1, x) / (a sd(x)) = 0.2 * 1.41 / 2
    for seed in range(3):
        assert bend_of(0.2, curvature=0.2, seed=seed) == pytest.approx(0.14, abs=0.06)


def test_the_doubt_names_the_edge_and_what_would_settle_it():
    reason = _open("x", "a", 0.4)
    assert not reason.holds
    assert reason.subject == "x -> a"
    assert "could bend by up to 40% of its spread" in reason.sentence
    assert "more rows or less noise" in reason.next_step
