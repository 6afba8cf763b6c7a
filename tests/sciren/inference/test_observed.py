"""Observations through a process: sensitivities, gaps, missing targets, parts."""

import numpy as np
import pandas as pd
import pytest

from sciren import (
    LinearEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Table,
    process_model,
)
from sciren.errors import TrainingError
from sciren.inference import ObservedProcess


@process_model(
    parameters=[
        Parameter("k", low=0, high=2),
        Parameter("m", low=0),
        Parameter("c", low=0, start=0.5, kind="constant"),
        Parameter("e", start=0.1, kind="constant"),
    ],
    forcings=["s"],
    targets=["u", "v"],
)
def two_targets(p, f):
    return {"u": p.k * f.s / (p.c + f.s), "v": p.m + p.k * f.s + p.e}


def two_target_table(rows=30, **more):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.standard_normal(rows), "s": rng.uniform(1, 2, rows)})
    frame["u"], frame["v"] = rng.uniform(1, 2, rows), rng.uniform(3, 5, rows)
    frame.loc[3:6, "u"] = np.nan
    frame.loc[5:9, "v"] = np.nan
    return Table.from_frame(frame, ["a"], ["s"], ["u", "v"], **more)


def test_sensitivities_agree_with_differences():
    model = ScIReN(LinearEncoder(1, 2), "auto", two_targets)
    process = ObservedProcess.of(model, two_target_table())
    raw = np.random.default_rng(1).uniform(-1, 1, (30, 2)) + process.start_latents
    constants = process.start_constants
    found, step = process.evaluate(raw, constants), 1e-6
    for number in range(2):
        shift = step * np.eye(2)[number]
        up, down = (process.evaluate(raw + s * shift, constants).mean for s in (1, -1))
        slope = (up - down) / (2 * step)
        np.testing.assert_allclose(found.by_latent[:, number], slope, atol=1e-7)
        up, down = (process.evaluate(raw, constants + s * shift).mean for s in (1, -1))
        slope = (up - down) / (2 * step)
        np.testing.assert_allclose(found.by_constant[:, number], slope, atol=1e-7)


def test_a_place_that_was_evaluated_before_gives_the_same_again():
    model = ScIReN(LinearEncoder(1, 2), "auto", two_targets)
    process = ObservedProcess.of(model, two_target_table())
    places = np.random.default_rng(1).uniform(-1, 1, (7, 30, 2))
    constants = process.start_constants
    first = [process.evaluate(raw, constants) for raw in places]
    moved = process.evaluate(places[-1], constants + 0.1)
    assert not np.array_equal(moved.mean, first[-1].mean)
    for raw, known in zip(places[::-1], first[::-1], strict=True):
        again = process.evaluate(raw.copy(), constants.copy())
        for ours, theirs in zip(again, known, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    kept = places[0].copy()
    kept[0] += 1.0  # changing an array that was given does not change what is known
    assert not np.array_equal(process.evaluate(kept, constants).mean, first[0].mean)


def test_missing_targets_are_left_out_and_the_rest_is_standardised():
    model = ScIReN(LinearEncoder(1, 2), "auto", two_targets)
    table = two_target_table()
    process = ObservedProcess.of(model, table)
    assert len(process) == 26 + 25
    seen = table.targets.numpy()[process.rows, process.targets]
    assert not np.isnan(seen).any()
    for target in (0, 1):
        mine = process.targets == target
        np.testing.assert_allclose(process.values[mine], seen[mine] / seen[mine].std())


def test_a_gap_starts_a_segment_and_parts_keep_the_clock():
    frame = pd.DataFrame({"a": np.random.default_rng(0).standard_normal(200), "y": 1.0})
    frame["y"] += frame.a
    frame["time"] = pd.date_range("2020-01-01", periods=200, freq="h")
    frame = frame.drop(index=range(50, 100)).sample(frac=1, random_state=0)
    table = Table.from_frame(frame, ["a"], (), ["y"], time="time")
    process = ObservedProcess.of(ScIReN(LinearEncoder(1, 1)), table)
    assert process.ordered
    assert np.bincount(process.segments).tolist() == [50, 100]
    assert (np.diff(process.clock[process.rows]) > 0).all()
    early = np.nonzero(process.clock < 120)[0]
    part = process.take(early)
    assert np.bincount(part.segments).tolist() == [50, 20]
    np.testing.assert_allclose(part.values, process.values[: len(part)])


def test_groups_are_series_of_their_own():
    frame = pd.DataFrame({"a": np.random.default_rng(0).standard_normal(60), "y": 0.0})
    frame["y"], frame["site"] = frame.a, list("abc") * 20
    table = Table.from_frame(frame, ["a"], (), ["y"], groups="site")
    process = ObservedProcess.of(ScIReN(LinearEncoder(1, 1)), table)
    assert not process.ordered
    assert process.groups is not None
    assert np.bincount(process.segments).tolist() == [20, 20, 20]


def test_a_decoder_that_mixes_rows_is_refused():
    mixing = process_model([Parameter("k")], targets=["y"], rowwise=False)(
        lambda p, f: p.k.cumsum(0)
    )
    table = Table.from_frame(
        pd.DataFrame({"a": [0.0, 1.0], "y": [1.0, 2.0]}), ["a"], (), ["y"]
    )
    with pytest.raises(TrainingError, match="does not act row by row"):
        ObservedProcess.of(ScIReN(LinearEncoder(1, 1), "auto", mixing), table)


def test_nothing_observed_is_an_error():
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "ta": 10.0, "y": [1.0, 2.0, np.nan]})
    table = Table.from_frame(frame, ["a"], {"ta": "ta"}, {"reco": "y"})
    model = ScIReN(LinearEncoder(1, 1), "auto", Q10Respiration())
    process = ObservedProcess.of(model, table)
    with pytest.raises(TrainingError, match="no target is observed"):
        process.take(np.array([2]))
