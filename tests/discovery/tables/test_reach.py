"""Targets that no parameter can explain are found, others are left in peace."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.config.process import load_decoder
from discovery.tables.reach import (
    check_reach,
    targets_out_of_reach,
    warn_beyond_range,
)
from sciren.data import Table
from sciren.decoders import IdentityDecoder, Q10Respiration, process_model
from sciren.errors import DataError, DataWarning
from sciren.parameters import Forcing, Parameter


def unreachable_shares(decoder, rows):
    return {name: r.share for name, r in targets_out_of_reach(decoder, rows).items()}


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
    for unit in (1.0, 1e20, 1e-20):
        values = [-1e9 * unit, 0.0, 1e9 * unit, float("nan")]
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


def test_the_warning_names_column_ranges_share_and_model():
    message = (
        r"'y' is from -1 to 3, 'q10' gives 'reco' from 0 upwards: 25.0% of the rows"
    )
    with pytest.warns(DataWarning, match=message):
        assert check_reach(Q10Respiration(), table([-1.0, 1.0, 2.0, 3.0])) == {
            "reco": 0.25
        }
    with pytest.warns(DataWarning, match="'y' is from -100 to 300, .* from 0 upwards"):
        check_reach(Q10Respiration(), table([-1.0, 1.0, 2.0, 3.0]), {"y": 100.0})


@pytest.mark.parametrize(
    ("process", "name", "values", "message"),
    [
        (
            "logit_link",
            "y",
            [12.0, 55.0, 98.0],
            "from 12 to 98, .* from 0 to 1 with any",
        ),
        ("logit_link", "y", [0.0, 100.0, 100.0], "no row; .* convert: {y: 1}"),
        ("log_link", "y", [-3.0, -1.0], "from -3 to -1, .* from 0 upwards"),
        ("q10", "reco", [-3.0, 0.0], r"convert: {y: umol m-2 s-1}"),
    ],
)
def test_a_target_that_the_process_cannot_produce_at_all_is_refused(
    process, name, values, message
):
    decoder = load_decoder(process)
    with pytest.raises(DataError, match=message):
        check_reach(decoder, table(values, **{name: "y"}))


def test_bounds_from_above_and_on_both_sides_are_told():
    @process_model([Parameter("loss", high=0)], ["ta"], ["reco"])
    def sink(p, f):
        return p.loss + 0 * f.ta

    with pytest.raises(DataError, match="'sink' gives 'reco' up to 0 with"):
        check_reach(sink, table([1.0, 2.0]))


def test_outcomes_on_the_edge_of_a_range_are_no_fault():
    decoder = load_decoder("logit_link")
    assert check_reach(decoder, table([0.0, 1.0, 1.0], y="y")) == {}


def test_what_errors_carry_over_a_bound_is_counted_and_no_reason_to_warn():
    values = [-0.1, *[1.0] * 98]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shares = check_reach(Q10Respiration(), table(values))
    assert shares == {"reco": pytest.approx(1 / 99)}
    with pytest.warns(DataWarning, match="2.0% of the rows"):
        check_reach(Q10Respiration(), table([-0.1, *values[:-1]]))


def test_no_warning_without_reason():
    assert check_reach(Q10Respiration(), table([1.0, 2.0])) == {}


def test_a_forcing_in_another_unit_is_told():
    @process_model([Parameter("rate")], [Forcing("ta", 223, 323, "K")], ["reco"])
    def warm(p, f):
        return p.rate * f.ta

    with pytest.warns(DataWarning, match=r"100.0% .* 'ta' outside \[223, 323\] K"):
        assert warn_beyond_range(warm, table([1.0, 2.0]).forcings) == {"ta": 1.0}
    assert warn_beyond_range(Q10Respiration(), table([1.0, 2.0]).forcings) == {}
