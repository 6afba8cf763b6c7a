"""Targets that no parameter can explain are found, others are left in peace."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.tables.reach import (
    unreachable_shares,
    warn_beyond_range,
    warn_unreachable,
)
from sciren.data import Table
from sciren.decoders import IdentityDecoder, Q10Respiration, process_model
from sciren.errors import DataWarning
from sciren.parameters import Forcing, Parameter


def table(targets, **names):
    rows = len(targets)
    frame = pd.DataFrame(
        {
            "x": np.arange(rows, dtype=float),
            "ta": np.linspace(-20, 35, rows),
            "y": targets,
        }
    )
    return Table.from_frame(frame, ["x"], ["ta"], names or {"reco": "y"})


@given(st.lists(st.sampled_from([-1.0, 2.0]), min_size=3, max_size=60).filter(set))
@settings(max_examples=20, deadline=None)
def test_negative_respiration_is_out_of_reach_and_positive_is_not(values):
    shares = unreachable_shares(Q10Respiration(), table(values))
    share = values.count(-1.0) / len(values)
    assert shares == ({"reco": share} if share else {})


def test_both_bounds_count():
    @process_model([Parameter("rate", low=1, high=2)], ["ta"], ["reco"])
    def shifted(p, f):
        return p.rate + 0 * f.ta

    shares = unreachable_shares(shifted, table([0.5, 1.0, 1.5, 2.0, 2.5]))
    assert shares == {"reco": pytest.approx(0.4)}


def test_without_bounds_everything_is_in_reach():
    values = [-1e9, 0.0, 1e9, float("nan")]
    assert unreachable_shares(IdentityDecoder(["reco"]), table(values)) == {}


def test_an_upper_bound_and_a_constant_are_respected():
    @process_model(
        [
            Parameter("loss", high=0),
            Parameter("k", low=2, high=3, kind="constant"),
        ],
        ["ta"],
        ["reco"],
    )
    def sink(p, f):
        return p.loss * p.k

    assert unreachable_shares(sink, table([-5.0, -1.0, 1.0, 3.0])) == {"reco": 0.5}


def test_rows_that_are_not_observed_do_not_count():
    shares = unreachable_shares(Q10Respiration(), table([-1.0, float("nan"), 1.0]))
    assert shares == {"reco": 0.5}


def test_models_that_mix_rows_are_not_checked():
    decoder = Q10Respiration()
    decoder.rowwise = False
    assert unreachable_shares(decoder, table([-1.0, 1.0])) == {}


def test_the_warning_names_column_share_and_model():
    with pytest.warns(DataWarning, match=r"'y': 25.0% of the rows .* 'q10' .*'reco'"):
        warn_unreachable(Q10Respiration(), table([-1.0, 1.0, 2.0, 3.0]))


def test_no_warning_without_reason():
    assert warn_unreachable(Q10Respiration(), table([1.0, 2.0])) == {}


def test_a_forcing_in_another_unit_is_told():
    @process_model([Parameter("rate")], [Forcing("ta", 223, 323, "K")], ["reco"])
    def warm(p, f):
        return p.rate * f.ta

    with pytest.warns(DataWarning, match=r"100.0% .* 'ta' outside \[223, 323\] K"):
        assert warn_beyond_range(warm, table([1.0, 2.0]).forcings) == {"ta": 1.0}
    assert warn_beyond_range(Q10Respiration(), table([1.0, 2.0]).forcings) == {}
