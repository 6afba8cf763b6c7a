"""Series that no training can learn from are refused before it, by row, part or line."""

import numpy as np
import pytest

from benchmarks.reliability.malformed.case import with_cell, with_column
from benchmarks.reliability.malformed.series import BASE, BODY, HEAD, rows
from discovery.config.file import config_from_mapping
from discovery.tables.prepare import prepare
from sciren.errors import DataError, DecoderError


def prepared(folder, change=lambda frame: frame, body=BODY, **settings):
    change(rows()).to_csv(folder / "data.csv", index=False)
    (folder / "mine.py").write_text(HEAD.format(body=body))
    own = {"data": {**BASE["data"], "path": str(folder / "data.csv")}}
    own["decoder"] = f"{folder / 'mine.py'}:mine"
    return prepare(config_from_mapping({**BASE, **own, **settings}))


def test_sound_series_are_a_study(tmp_path):
    study = prepared(tmp_path)
    assert [len(part) for part in study.split] == [8, 2, 2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_cell("rain", 70, 1e300), r"column 'rain' is 1e\+300 in row 70 "),
        (with_cell("q", 70, 1e15), r"column 'q' is 1e\+15 in row 70 "),
        (lambda t: t.assign(x1=t.x1.where(t.site != "s3", 1e30)), "column 'x1' is 1e"),
        (with_column("q", 3.0), "target column 'q' is 3 in all 480 observed rows"),
        (lambda t: t[t.site.isin(["s1", "s2", "s3"])], "train has 1 groups, at least 3"),
        (lambda t: t[t.day < "2001-01-06"], "train has 0 observed targets after the first 5"),
    ],
)  # fmt: skip
def test_series_that_teach_nothing_are_refused(tmp_path, change, said):
    with pytest.raises(DataError, match=rf"data.csv: {said}"):
        prepared(tmp_path, change)


def test_groups_of_one_row_never_compare_anything(tmp_path):
    data = {**BASE["data"], "path": str(tmp_path / "data.csv"), "groups": "rain"}
    with pytest.raises(DataError, match=r"(two rows|0 observed targets after)"):
        prepared(tmp_path, lambda t: t.assign(rain=t.rain + 1e-6 * t.index), data=data)


def test_measured_extremes_may_be_kept(tmp_path):
    data = {**BASE["data"], "path": str(tmp_path / "data.csv"), "not_missing": [1e15]}
    (tmp_path / "mine.py").write_text(HEAD.format(body=BODY))
    with_cell("q", 70, 1e15)(rows()).to_csv(tmp_path / "data.csv", index=False)
    decoder = f"{tmp_path / 'mine.py'}:mine"
    study = prepare(config_from_mapping({**BASE, "data": data, "decoder": decoder}))
    assert np.nanmax(study.table.targets) == 1e15


def test_a_step_is_tried_before_the_training(tmp_path):
    wrong = "return {'store': torch.log(-s.store - 1)}, {'q': p.k * s.store}"
    with pytest.raises(
        DecoderError, match=r"mine.py, line 7: fails with TypeError: log"
    ):
        prepared(tmp_path, body=wrong)
    endless = "return {'store': s.store ** 40 * p.k}, {'q': p.k * s.store}"
    with pytest.raises(
        DataError, match=r"'store' of group s0 has no number .* \(2001-01-02\)"
    ):
        prepared(tmp_path, body=endless)
