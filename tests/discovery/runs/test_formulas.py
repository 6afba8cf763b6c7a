"""No text of a table runs as a formula in a spreadsheet, and reading gives it back."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from discovery.runs.files import write_csv
from discovery.runs.formulas import with_formulas, without_formulas
from discovery.runs.stored import read_table


def test_no_text_runs_as_a_formula_and_numbers_stay():
    frame = pd.DataFrame(
        {"=x": ["=1", "+1", "-1", "@a", "\t=1", "a=1"], "y": -np.arange(6.0)}
    )
    safe = without_formulas(frame)
    assert list(safe.columns) == ["'=x", "y"]
    assert safe["'=x"].tolist() == ["'=1", "'+1", "'-1", "'@a", "'\t=1", "a=1"]
    assert safe["y"].equals(frame["y"])


@given(st.lists(st.text("=+-@'\t\ra1", max_size=6), min_size=1, max_size=5))
def test_what_was_made_harmless_comes_back(cells):
    frame = pd.DataFrame({"text": cells})
    safe = without_formulas(frame)
    assert not safe["text"].str.startswith(("=", "+", "-", "@", "\t", "\r")).any()
    pd.testing.assert_frame_equal(with_formulas(safe), frame)


def test_tables_of_a_run_are_written_harmless_and_read_as_they_were(tmp_path):
    frame = pd.DataFrame({"feature": ["-x", "'=y"], "error": [-1.5, 2.0]})
    write_csv(tmp_path / "edges.csv", frame)
    assert "'-x,-1.5" in (tmp_path / "edges.csv").read_text()
    pd.testing.assert_frame_equal(read_table(tmp_path / "edges.csv"), frame)
