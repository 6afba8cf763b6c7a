"""The whole way on a simulated tower, and what stands in its way."""

import numpy as np
import pytest

from discovery.partition.partition import partition
from discovery.partition.record import PartitionOptions
from sciren.errors import ConfigError


@pytest.mark.slow
def test_known_fluxes_come_back_with_intervals_that_hold_them(simulated, tmp_path):
    frame, truth = simulated
    frame.to_csv(tmp_path / "tower.csv", index=False)
    options = PartitionOptions(rows=600, replicates=10)
    found = partition(tmp_path / "tower.csv", tmp_path / "out", options, quiet=True)
    (year,) = found.yearly.to_dict("records")
    for name in ("gpp", "reco"):
        total = truth[name].mean() * 12.011 * 86400e-6 * 120
        assert year[name] == pytest.approx(total, rel=0.03)
        assert year[f"{name}_low"] <= year[f"{name}_high"]
    constants = found.summary["parts"]["night"]["constants"]
    assert constants[0]["low"] <= 150 <= constants[0]["high"]
    scores = found.scores.set_index(["part", "method"]).r2
    assert (scores.xs("equations", level="method") > 0.7).all()
    with pytest.raises(ConfigError, match="a partitioning is there already"):
        partition(tmp_path / "tower.csv", tmp_path / "out", options, quiet=True)


def test_a_folder_of_something_else_is_left_alone(simulated, tmp_path):
    simulated[0].to_csv(tmp_path / "tower.csv", index=False)
    with pytest.raises(ConfigError, match="something else than a partitioning"):
        partition(tmp_path / "tower.csv", tmp_path, overwrite=True, quiet=True)
    assert np.array_equal([p.name for p in tmp_path.iterdir()], ["tower.csv"])
