"""Releases: oldest dependencies, licences, builds that repeat."""

import re
import subprocess
from pathlib import Path

import pytest

from release.check import check
from release.distribution import build
from release.licences import PAGE, page
from release.oldest import oldest

ROOT = Path(__file__).parents[2]


def test_every_core_dependency_has_an_oldest_version():
    lines = list(oldest())
    assert "numpy==2.0" in lines
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert any(line.startswith("torch==") for line in lines)


def test_a_dependency_without_a_bound_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy"]\n')
    (tmp_path / "constraints.txt").write_text("")
    with pytest.raises(ValueError, match="'numpy' has no lower bound"):
        list(oldest(tmp_path))


def test_the_page_of_licences_names_every_package_and_the_versions_of_the_constraints():
    written = PAGE.read_text(encoding="utf-8")
    pinned = dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    known = {name.lower().replace("_", "-"): v for name, v in pinned.items()}
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[\w.]*) \| (.+) \|$", written, re.MULTILINE)
    assert len(rows) > 30
    for name, version, licence in rows:
        assert known[name.lower().replace("_", "-")] == version, name
        assert licence != "not declared"
    names = re.compile(r"^\| ([\w.-]+) \|", re.MULTILINE)
    assert set(names.findall(written)) == set(names.findall(page()))


@pytest.mark.slow
def test_two_builds_are_equal_and_another_date_is_another_file(tmp_path, monkeypatch):
    if subprocess.run(
        ["git", "status"], cwd=ROOT, capture_output=True, check=False
    ).returncode:
        pytest.skip("needs a checkout")
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    assert first == second
    assert {name.rpartition(".")[2] for name in first} == {"whl", "gz"}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert not set(build(tmp_path / "c").values()) & set(first.values())


@pytest.mark.slow
def test_what_was_built_runs_alone(tmp_path):
    import numpy

    said = check(tmp_path, Path(numpy.__file__).parents[1])
    assert [line for line in said if "demo run elsewhere" in line]
