"""A change of unit, however large, changes the unit of the equation and nothing else."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.reliability import units
from benchmarks.reliability.score import Attempts
from benchmarks.reliability.units import equation_in_units, sample
from discovery.config.file import config_from_mapping
from discovery.tables.prepare import prepare
from sciren.data import FeatureScaling, Table, split_random
from sciren.decoders import decoder_named
from sciren.errors import DataError

UNITS = [(1e-300, 1.0), (1e200, 1.0), (1.0, 1e200), (1e200, 1e-300)]


def normal(process):
    return equation_in_units(process, 1.0, 1.0)


@pytest.mark.parametrize("process", ["q10", None])
def test_the_table_of_any_unit_is_that_of_another_unit(tmp_path, process):
    """What is fitted is the same to rounding, so the equation is the same up to the unit."""
    tables = []
    for feature, target in [(1.0, 1.0), *UNITS]:
        file = tmp_path / "data.csv"
        sample(feature, target).to_csv(file, index=False)
        config = {
            "data": {"path": str(file)}, "features": ["x1", "x2"], "out": "o",
            "decoder": process, "targets": {"reco": "reco"},
            "forcings": {"ta": "ta"} if process else {},
        }  # fmt: skip
        study = prepare(config_from_mapping(config))
        scaling = FeatureScaling.fit(study.table.features)
        tables.append((scaling.apply(study.table.features), study.table.targets))
    plain, targets = tables[0]
    for features, changed in tables[1:]:
        np.testing.assert_allclose(features, plain, rtol=1e-6, atol=1e-9)
        ratio = changed / targets
        np.testing.assert_allclose(ratio, ratio[0].expand_as(ratio), rtol=1e-9)


@pytest.mark.parametrize("target", [1e-9, 1e9])
def test_a_process_model_finds_its_start_in_any_unit(target):
    from sciren import KANEncoder, ScIReN
    from sciren.start_values import start_latents

    table = Table.from_frame(
        sample(1.0, target), ["x1", "x2"], {"ta": "ta"}, {"reco": "reco"}
    )
    model = ScIReN(KANEncoder(2, 1), "auto", decoder_named("q10"))
    start, unit = start_latents(model, split_random(table).train)
    assert 0.05 < float(start[0]) / target < 20
    assert 0.05 < float(unit[0]) / target < 20


def test_a_process_model_in_its_own_unit_refuses_another(tmp_path):
    file = tmp_path / "data.csv"
    sample(1.0, 1e200).to_csv(file, index=False)
    config = {
        "data": {"path": str(file)}, "features": ["x1"], "out": "o", "decoder": "q10",
        "parameters": {"rb": {"high": 30}}, "targets": {"reco": "reco"},
        "forcings": {"ta": "ta"},
    }  # fmt: skip
    with pytest.raises(DataError, match="does not stay the same when its unit changes"):
        prepare(config_from_mapping(config))
    frame = pd.read_csv(file).assign(ta=1e300)
    frame.to_csv(file, index=False)
    with pytest.raises(DataError, match="'ta' has values about 1e\\+300"):
        prepare(config_from_mapping(config))


@pytest.mark.slow
@pytest.mark.parametrize("process", ["q10", None])
@pytest.mark.parametrize("units", [*UNITS, (1.0, 1e-300), (1e-9, 1e9), (1e9, 1e-9)])
def test_the_equation_is_the_same_up_to_the_unit(process, units):
    for name, value in equation_in_units(process, *units).items():
        assert value == pytest.approx(normal(process)[name], rel=1e-4), name


def test_the_harness_catches_a_unit_that_moves_the_equation(monkeypatch):
    """The fault: targets in 1e200 shift a prediction by a thousandth, and q10 is lost."""

    def faulty(process, feature, target):
        shift = 1e-3 if target == 1e200 else 0.0
        q10 = float("nan") if feature == 1e-300 else 2.0
        return {"p0": 3.0 * (1 + shift), "q10": q10}

    monkeypatch.setattr(units, "equation_in_units", faulty)
    score = units.units_kept("q10", Attempts(len(units.PAIRS)))
    assert score.tried == 18
    assert score.missed == (
        "number 0: features in 1e-300, target in 1: ['q10'] differ",
        "number 17: features in 1, target in 1e+200: ['p0'] differ",
    )
