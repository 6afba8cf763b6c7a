"""Every kind of input from the field has a test and two siblings that are there."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LINES = [
    line.split("|")[1:4]
    for line in (HERE / "field_faults.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "`" in line and "::" in line
]


def test_no_line_of_the_table_is_passed_over():
    assert len(LINES) == 39


@pytest.mark.parametrize(
    ("tests", "siblings"), [line[1:] for line in LINES], ids=[x[0] for x in LINES]
)
def test_a_fault_has_its_test_and_two_siblings(tests, siblings):
    found = [re.findall(r"`([^`]+)::([^`]+)`", cell) for cell in (tests, siblings)]
    assert [len(one) for one in found] == [1, 2]
    for path, name in (*found[0], *found[1]):
        source = (HERE / path).read_text(encoding="utf-8")
        # a function, or the name of a case of a parametrised one
        assert f"def {name}(" in source or f"    {name}: " in source, name
