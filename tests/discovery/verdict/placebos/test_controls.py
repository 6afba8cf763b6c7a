"""Placebos find nothing, wrong processes are seen, and both are kept."""

import json

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.placebos.controls import Controls, run_controls
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table


@pytest.fixture(scope="module")
def controls():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((300, 2)), columns=list("ab"))
    frame["ta"] = 12 + 7 * rng.standard_normal(300)
    rb = np.maximum(3 + 0.8 * frame.a, 0.1)
    frame["reco"] = (
        rb * 1.8 ** ((frame.ta - 15) / 10) * (1 + 0.1 * rng.standard_normal(300))
    )
    table = Table.from_frame(frame, ["a", "b"], ["ta"], ["reco"])
    model = ScIReN(LinearEncoder(2, 1), "auto", Q10Respiration())
    return run_controls(model, {"train": table}, count=3)


def test_no_relation_is_claimed_in_placebos(controls):
    assert [placebo.claimed for placebo in controls.placebos] == [0, 0, 0]
    assert "claimed in 0 of 3 placebos" in controls.sentences()[0]


def test_a_broken_response_is_seen(controls):
    assert [one.kind for one in controls.wrong] == [
        "constant forcings",
        "reversed forcings",
    ]
    assert all(one.seen for one in controls.wrong)
    assert all(one.r2 < one.right_r2 for one in controls.wrong)


def test_a_file_gives_the_same_controls_back(controls):
    stored = json.loads(json.dumps(controls.to_json(), allow_nan=False))
    assert Controls.from_json(stored) == controls
