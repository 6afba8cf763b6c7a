"""Slow features beside slow noise are undecided; beside white noise they are kept."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import toeplitz

from sciren import LinearEncoder, ScIReN, Table
from sciren.inference import ObservedProcess, select
from sciren.inference.autoregression import fit_autoregression
from sciren.inference.noise import NoiseLaw

ROWS = 300


def autoregressive(rng, memory=0.95, rows=ROWS):
    noise = rng.standard_normal(rows)
    for k in range(1, rows):
        noise[k] = memory * noise[k - 1] + np.sqrt(1 - memory**2) * noise[k]
    return noise


def waves_and(target):
    """Waves of one to three cycles over the record, and a target, in time order."""
    turn = 2 * np.pi * np.linspace(0, 1, ROWS)
    names = [f"{shape}{k}" for k in (1, 2, 3) for shape in ("sin", "cos")]
    values = [shape(k * turn) for k in (1, 2, 3) for shape in (np.sin, np.cos)]
    frame = pd.DataFrame(dict(zip(names, values, strict=True))).assign(y=target)
    frame["time"] = pd.date_range("2001-01-01", periods=ROWS, freq="h")
    table = Table.from_frame(frame, names, (), ["y"], time="time")
    return ObservedProcess.of(ScIReN(LinearEncoder(len(names), 1)), table)


def test_waves_are_undecided_where_slow_noise_explains_as_much():
    selection = select(waves_and(autoregressive(np.random.default_rng(1))))
    assert selection.kept == ()
    assert len(selection.slow) == 3
    assert {selection.status[edge] for edge in selection.slow} == {"undecided"}


def test_a_wave_in_white_noise_is_kept():
    noise = np.random.default_rng(1).standard_normal(ROWS)
    wave = np.sin(2 * np.pi * np.linspace(0, 1, ROWS))
    selection = select(waves_and(wave + noise))
    assert [selection.name(edge) for edge in selection.kept] == ["sin1 -> y"]
    assert selection.slow == ()


def test_the_determinant_of_the_correlations_is_that_of_the_whole_matrix():
    rng = np.random.default_rng(0)
    process = waves_and(autoregressive(rng))
    memory = fit_autoregression(process.values, process.segments, 3)
    assert memory.order > 0
    law = NoiseLaw((0.0,), (1.0,), (0.0,), (memory,))
    correlations = memory.correlations(ROWS)
    # innovations of variance one: C is the correlations over the variance they leave
    share = 1 / memory.variances[0]
    expected = np.linalg.slogdet(toeplitz(correlations))[1] - ROWS * np.log(share)
    found = law.whitening(process, process.values).log_determinant
    assert found == pytest.approx(expected, rel=1e-6)
