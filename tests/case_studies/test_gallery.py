"""Real tables are read by configuration alone; each configuration is short and whole."""

from pathlib import Path

import pytest

from case_studies.gallery.studies import prepared_table
from discovery.config.file import load_config, train_config
from discovery.tables.prepare import prepare
from discovery.tables.study import SeriesStudy

ROOT = Path(__file__).resolve().parents[2]
GALLERY = sorted((ROOT / "case_studies" / "gallery").glob("*/config.yaml"))
SHARED = [folder / "shared" / "data" for folder in ROOT.parents]


def name_of(path):
    return path.parent.name


def data_file(name):
    found = [file for folder in SHARED for file in folder.glob(f"*/{name}")]
    if not found:
        pytest.skip(f"{name} is not in shared/data beside the checkout")
    return found[0]


def test_there_are_a_dozen_and_the_page_names_each():
    assert len(GALLERY) >= 12
    page = (ROOT / "case_studies" / "gallery" / "README.md").read_text()
    assert all(f"| `{name_of(path)}` |" in page for path in GALLERY)


@pytest.mark.parametrize("path", GALLERY, ids=name_of)
def test_each_configuration_is_whole_and_at_most_25_lines(path):
    assert len(path.read_text().splitlines()) <= 25
    config = load_config(path)
    train_config(config)
    assert config.units


@pytest.mark.parametrize("path", GALLERY, ids=name_of)
def test_each_table_is_read_and_prepared(path, tmp_path):
    name = load_config(path).data.path.name
    known = [folder for folder in SHARED if folder.is_dir()]
    joined = known and prepared_table(path.parent, known[0], tmp_path / "run")
    config = load_config(path, [f"data.path={joined or data_file(name)}"])
    said = []
    study = prepare(config, said.append)
    assert any(line.startswith("read ") for line in said)
    assert all(len(part) for part in study.split)
    if isinstance(study, SeriesStudy):
        observed = study.table.compared(study.decoder.warmup).any(axis=(0, 1))
    else:
        observed = study.table.observed.any(0)
    assert bool(observed.all())
