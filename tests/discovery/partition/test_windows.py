"""Constants in windows give back fluxes whose constants are those of windows."""

import numpy as np
import pytest

from discovery.partition.tower import read_tower
from discovery.partition.windows import window_fluxes
from tests.discovery.partition.conftest import simulate


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    frame, truth = simulate(days=60, noise=0.0, rise=0.0)
    path = tmp_path_factory.mktemp("tower") / "tower.csv"
    frame.to_csv(path, index=False)
    return read_tower(path), truth


def test_both_fluxes_come_back_where_there_is_no_noise(tower):
    read, truth = tower
    reco, gpp, e0 = window_fluxes(read.frame, np.ones(len(read.frame), dtype=bool))
    assert e0 == 150
    assert reco == pytest.approx(truth["reco"], rel=1e-6)
    lit = ~read.frame.night.to_numpy()
    assert gpp[lit] == pytest.approx(truth["gpp"][lit], rel=1e-3, abs=1e-3)


def test_rows_that_may_not_be_learned_from_change_nothing(tower):
    read, _ = tower
    learn = (read.frame.split != "test").to_numpy()
    before = window_fluxes(read.frame, learn)
    spoiled = read.frame.assign(nee=read.frame.nee.where(learn, 1e3))
    after = window_fluxes(spoiled, learn)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
