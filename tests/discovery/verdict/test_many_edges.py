"""From 20 edges on every edge is still tested; where too many are, the verdict says so."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery import ScIReNRegressor
from discovery.verdict.edge_limit import MOST_EDGES, MOST_EXPENSIVE, most_edges
from discovery.verdict.open_edges import (
    FIRM,
    hanging_on_the_split,
    like_slow_noise,
    untested,
)
from sciren import Parameter, process_model
from sciren.decoders import CLM5SoilCarbon
from sciren.inference import select
from tests.sciren.inference.conftest import drivers
from tests.sciren.inference.test_selection import plain
from tests.sciren.inference.test_slow_noise import autoregressive, waves_and

NAMES = [f"x{k}" for k in range(10)]


@process_model([Parameter("a"), Parameter("b")], forcings=["s"], targets=["y"])
def straight(p, f):
    """Level and slope by s."""
    return p.a + p.b * f.s


@pytest.fixture(scope="module")
def twenty():
    """Regressor of ten features and two latents, of which x0 -> a and x1 -> b act."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 11)), columns=[*NAMES, "s"])
    target = frame.x0 + (1 + 0.8 * frame.x1) * frame.s + 0.4 * rng.normal(size=300)
    return ScIReNRegressor(
        decoder=straight, forcings={"s": "s"}, features=NAMES, hidden=[],
        train={"profiles": False, "ladder": False}, bootstrap=0, compose=0,
    ).fit(frame, target)  # fmt: skip


def test_twenty_edges_have_tests_intervals_and_bands(twenty):
    found = twenty.discovery_
    assert found.uncertainty is not None
    banded = {(band["source"], band["latent"]) for band in found.uncertainty.bands}
    assert banded >= {("x0", "a"), ("x1", "b")}
    said = " ".join(reason.sentence for reason in found.verdict.reasons)
    assert "20 edges were tested one by one on all rows" in said
    assert "screen" not in said


def test_edges_beyond_the_limit_are_said_to_be_untested():
    reason = untested(MOST_EDGES, MOST_EDGES)
    assert not reason.holds
    assert "Single edges were not tested (100, limit 99)" in reason.sentence
    assert "below 100" in reason.next_step


def test_an_expensive_process_has_a_lower_limit():
    soil = SimpleNamespace(decoder=CLM5SoilCarbon)
    formula = SimpleNamespace(decoder=straight)
    assert most_edges(soil) == MOST_EXPENSIVE < most_edges(formula) == MOST_EDGES


def test_a_feature_that_the_split_decides_about_is_named():
    frame, rng = drivers(300, seed=1)
    frame["y"] = frame.a + 0.26 * frame.b + rng.standard_normal(300)
    evidence = SimpleNamespace(selection=select(plain(frame, ["a", "b", "c"])))
    (reason,) = hanging_on_the_split(evidence, {(0, 0), (1, 0)})
    assert not reason.holds
    assert reason.number < FIRM
    assert "b -> y (in the equations)" in reason.sentence
    assert "a -> y" not in reason.sentence
    # Inside a product the additive tests of the splits say nothing of it.
    assert not hanging_on_the_split(evidence, {(0, 0), (1, 0)}, {(1, 0)})
    (missed,) = hanging_on_the_split(evidence, {(0, 0)})
    assert "b -> y (not in the equations)" in missed.sentence
    frame["y"] = frame.a + 0.1 * rng.standard_normal(300)
    firm = SimpleNamespace(selection=select(plain(frame, ["a", "c"])))
    assert not hanging_on_the_split(firm, {(0, 0)})


def test_features_of_the_equations_that_slow_noise_explains_are_named():
    process = waves_and(autoregressive(np.random.default_rng(1)))
    selection = select(process)
    held = set(selection.slow[:2])
    (reason,) = like_slow_noise(SimpleNamespace(selection=selection), held)
    assert not reason.holds
    assert "cannot be told apart from slow noise" in reason.sentence
    assert reason.subject.count(" -> y") == 2
    assert like_slow_noise(SimpleNamespace(selection=selection), set()) == []
    hanging = hanging_on_the_split(SimpleNamespace(selection=selection), held)
    assert not any(
        selection.name(edge) in hanging[0].subject for edge in held if hanging
    )
