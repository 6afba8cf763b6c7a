"""The tower record: read, filtered and split as its README says."""

from pathlib import Path

import pytest
import torch

from discovery import Discovery, load_config, run
from discovery.tables.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "case_studies" / "davos" / "config.yaml"
RECORD = ROOT.parent / "shared/data/tower_ch_dav/ch_dav_2013_2021_halfhourly.csv.gz"

needs_record = pytest.mark.skipif(
    not RECORD.exists(),
    reason="the CH-Dav record is not beside the checkout (../shared)",
)


def config(*changes):
    return load_config(CONFIG, [f"data.path={RECORD}", *changes])


def test_the_settings_are_valid_and_name_no_place_outside(tmp_path):
    found = load_config(CONFIG)
    assert found.features == ("sw_pot", "dsw_pot", "ta", "swc_15cm", "vpd")
    assert found.data.path.parent == CONFIG.parent
    assert "shared" not in CONFIG.read_text()


@needs_record
def test_night_rows_with_measured_exchange_are_used():
    study = prepare(config())
    assert [len(part) for part in study.split] == [4524, 1215, 1986]
    assert dict(study.table.dropped) == {"missing feature swc_15cm": 704}


@needs_record
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")
@pytest.mark.parametrize("with_ta", [True, False])
def test_q10_is_identified_only_without_temperature_among_the_features(
    tmp_path, with_ta
):
    torch.set_num_threads(1)  # beside other tests more threads are slower
    changes = [f"out={tmp_path / 'run'}", "train={bootstrap: 30}"]
    if not with_ta:
        changes.append("features=[sw_pot, dsw_pot, swc_15cm, vpd]")
    found = Discovery.load(run(config(*changes), quiet=True))
    (q10,) = found.process_constants
    whole = next(one for one in found.identification if one.model == "all features")
    assert found.consistency == "PASS"
    assert bool(q10["identified"]) is not with_ta
    if with_ta:
        low, high = sorted(whole.near_minima)
        assert 1.2 < low < 1.8
        assert 4.5 < high < 5.5
    else:
        assert whole.low < 2.13
        assert whole.high > 1.50
    for name, score in found.scores["test"].items():
        assert 0.19 < score["reco"]["r2"] < 0.25, name
