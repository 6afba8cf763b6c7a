"""The screen of many edges: what acts is seen, what does nothing is not, blocks count."""

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.screen import Screened, screen, screen_reasons
from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference import ObservedProcess
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

NAMES = [f"x{k}" for k in range(10)]
LINE = FAMILIES["linear"][0]


@process_model(
    parameters=[Parameter("a"), Parameter("b")], forcings=["s"], targets=["y"]
)
def straight(p, f):
    """Level and slope by s."""
    return p.a + p.b * f.s


def line(source, slope):
    return EdgeTerm(source, LINE, (slope,))


def found(held, seed=0, rows=400):
    """Screen equations of a and b where x0 acts on a, and x1, x2^2 on b."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 11)), columns=[*NAMES, "s"])
    b = 0.8 * frame.x1 + 0.4 * frame.x2**2
    frame["y"] = frame.x0 + b * frame.s + 0.5 * rng.normal(size=rows)
    model = ScIReN(LinearEncoder(10, 2), "auto", straight)
    process = ObservedProcess.of(model, Table.from_frame(frame, NAMES, ["s"], ["y"]))
    structures = [
        LatentStructure(name, 0.0, tuple(line(source, 1.0) for source in held[name]))
        for name in "ab"
    ]
    theta = np.concatenate([structure.pack() for structure in structures])
    fit = EquationFit(process, frame[NAMES].to_numpy(), tuple(structures), theta)
    everywhere = np.ones(rows, dtype=bool)
    fit = EquationFit(
        process, fit.z, fit.structures, fit.refitted(everywhere, np.ones(rows))
    )
    return screen(fit, np.ones(rows), np.arange(rows))


def test_edges_that_act_are_seen_and_the_others_are_not():
    tested = {(e.feature, e.latent): e for e in found({"a": [0, 5], "b": [1]})}
    assert len(tested) == 20
    assert tested["x0", "a"].p < 1e-6
    assert tested["x1", "b"].p < 1e-6
    assert tested["x2", "b"].p < 1e-3
    assert tested["x2", "b"].share > 0.05
    assert not tested["x2", "b"].held
    assert tested["x5", "a"].held
    assert tested["x5", "a"].p > 0.01


def test_what_does_nothing_is_seen_as_often_as_the_level_says():
    p = [
        edge.p
        for seed in range(5)
        for edge in found({"a": [0], "b": [1]}, seed)
        if not edge.held and edge.feature != "x2"
    ]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.05)


def test_the_sentence_counts_what_is_seen_and_what_is_asked_for():
    edges = [Screened("x", "a", True, 1e-9, 0.2), Screened("w", "a", True, 0.4, 0.0)]
    edges += [
        Screened("v", "a", False, 1e-9, 0.1),
        Screened("u", "a", False, 0.04, 0.1),
    ]
    edges += [Screened("t", "a", False, 1e-9, 1e-5)]  # seen, but too small to matter
    unseen, missed, whole = screen_reasons(edges)
    assert "w is in the equation of a" in unseen.sentence
    assert "v may be missing" in missed.sentence
    assert "sees 1 of the 2 edges that they hold, and asks for 1 more" in whole.sentence
    assert [reason.holds for reason in screen_reasons(edges[:1])] == [True]


@pytest.mark.parametrize(("p", "seen"), [(0.03, True), (0.08, False)])
def test_an_edge_of_the_equations_is_seen_at_five_percent(p, seen):
    assert screen_reasons([Screened("x", "a", True, p, 0.2)])[-1].holds == seen


@pytest.mark.parametrize(
    ("p", "share", "asked"), [(0.003, 5e-3, 1), (0.008, 5e-3, 0), (0.003, 5e-4, 0)]
)
def test_ten_edges_share_the_level_and_matter_from_a_thousandth(p, share, asked):
    others = [Screened(name, "a", False, 0.5, 0.2) for name in NAMES[1:]]
    *told, _ = screen_reasons([Screened("x0", "a", False, p, share), *others])
    assert len(told) == asked


def test_three_edges_of_a_kind_are_told_one_by_one():
    edges = [Screened(name, "a", True, 0.5, 0.0) for name in NAMES]
    assert len(screen_reasons(edges)) == 3 + 1
