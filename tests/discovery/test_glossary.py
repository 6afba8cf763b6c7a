"""Every head of a table that a user opens is explained in the glossary."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
import pytest

from discovery import Discovery

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"


def explained() -> list[str]:
    """Return the names, some with a star, in the part about columns."""
    _, _, columns = GLOSSARY.read_text(encoding="utf-8").partition(
        "## Columns of tables"
    )
    return re.findall(r"`([^`]*[a-z][^`]*)`", columns)


def unexplained(names) -> list[str]:
    known = explained()
    return [name for name in names if not any(fnmatch(name, one) for one in known)]


@pytest.mark.parametrize(
    "table", ["edges", "candidates", "importance", "profiles", "history"]
)
def test_every_column_of_a_run_is_explained(finished, table):
    frame = pd.read_csv(finished / "runs" / "light_use" / f"{table}.csv")
    assert unexplained(map(str, frame.columns)) == []


def test_every_column_of_the_tables_of_a_model_is_explained(finished):
    found = Discovery.load(finished / "runs" / "light_use")
    for frame in (found.equations.table, found.equations.equations_, found.constants):
        assert unexplained(map(str, frame.columns)) == []


def test_a_column_that_nobody_explained_is_found():
    assert unexplained(["importance", "no_such_column"]) == ["no_such_column"]
