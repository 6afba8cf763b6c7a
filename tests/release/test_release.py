"""Releases: oldest dependencies, licences, builds that repeat."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from release.check import check
from release.distribution import build
from release.licences import PAGE, page
from release.oldest import oldest

ROOT = Path(__file__).parents[2]
FIXED = {
    "certifi": ("2024.7.4", "CVE-2024-39689"),
    "Jinja2": ("3.1.6", "CVE-2025-27516"),
    "pillow": ("12.3.0", "CVE-2026-59204 and six of the same release"),
    "requests": ("2.32.4", "CVE-2024-47081"),
    "setuptools": ("78.1.1", "CVE-2025-47273"),
    "torch": ("2.6.0", "CVE-2025-32434"),
    "urllib3": ("2.6.0", "CVE-2025-66418"),
    "zipp": ("3.19.1", "CVE-2024-5569"),
}
"""Package: first version without an advisory that its versions or others' threads name."""


def constraints():
    return dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )


@pytest.mark.parametrize("name", FIXED)
def test_constraints_hold_no_version_of_a_listed_advisory(name):
    first, advisory = FIXED[name]
    assert Version(constraints()[name]) >= Version(first), advisory


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
    pinned = constraints()
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
