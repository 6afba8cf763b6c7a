"""The whole way on a simulated tower, and what stands in its way."""

import numpy as np
import pytest

from discovery.partition.partition import FINISHED, UNFINISHED, partition
from discovery.partition.record import PartitionOptions
from sciren.errors import ConfigError, TrainingError


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


def test_half_of_a_partitioning_does_not_pass_for_one(simulated, tmp_path, monkeypatch):
    def failing(*given):
        with pytest.raises(ConfigError, match="another partition is at work"):
            begun()
        raise TrainingError("no fit")

    def begun():
        partition(tmp_path / "tower.csv", out, overwrite=True, quiet=True)

    out = tmp_path / "out"
    out.mkdir()
    (out / FINISHED).write_text("{}")
    (out / "notes.txt").write_text("mine")
    simulated[0].to_csv(tmp_path / "tower.csv", index=False)
    monkeypatch.setattr("discovery.partition.partition._parts", failing)
    with pytest.raises(TrainingError, match="no fit"):
        begun()
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", UNFINISHED]
    assert [path.name for path in tmp_path.glob(".*")] == []
