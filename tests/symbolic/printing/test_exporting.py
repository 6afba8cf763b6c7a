"""The kinds of export say the same, and refuse what they are not."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren.errors import ConfigError
from symbolic.expression.complexity import REFUSED, complexity
from symbolic.expression.evaluate import compile_numpy
from symbolic.model.fit_record import FitRecord
from symbolic.model.storage import from_json
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.options import SymbolicOptions
from symbolic.printing.exporting import KINDS, notebook_latex
from symbolic.printing.latex_reader import read_latex
from symbolic.printing.numbers import printed_value
from symbolic.printing.rounding import rounded
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure
from symbolic.verdict import Check, Verification

X, Y = sympy.symbols("sw_pot ta", real=True)


@pytest.fixture
def model():
    raw = sympy.Float(0.00751234567) * X - sympy.Float(2.1) * sympy.exp(
        sympy.Float(-1e-7) * Y
    )
    rb, q10 = sympy.symbols("rb q10", real=True)
    edges = pd.DataFrame(
        [
            {"source": "sw_pot", "target": "rb", "latent": "rb", "importance": 0.9,
             "family": "linear", "status": "closed", "formula": "", "reason": ""},
            {"source": "ta", "target": "rb", "latent": "rb", "importance": 0.1,
             "family": "exp", "status": "closed", "formula": "", "reason": ""},
        ]
    )  # fmt: skip
    table = pd.DataFrame(
        columns=["name", "latent", "source", "role", "value", "error", "low", "high",
                 "unit", "kind"]
    )  # fmt: skip
    units = Units(("sw_pot", "ta"), np.zeros(2), np.ones(2), np.zeros(2), np.ones(2))
    return SymbolicModel(
        {"rb": sympy.Max(0, raw)}, {"rb": raw}, {"reco": rb * q10 ** (Y / 10)}, None,
        {"q10": 1.5}, {"q10": 0.02}, {}, (LatentStructure("rb", 0.0),), units,
        edges, table, {"ta": "ta"},
        {"reco": "nee"}, {"rb": "umol m-2 s-1", "nee": "umol m-2 s-1"},
        {"rb": ("relu", 0.0, np.inf, 1.0)}, digits=4,
    )  # fmt: skip


def at(expression):
    """Return values at some rows."""
    rows = np.linspace(1, 900, 7), np.linspace(-5, 30, 7)
    return compile_numpy(expression, (X, Y))(*rows)


def test_csv_and_json_keep_full_precision_and_the_rest_is_rounded_alike(model):
    exact, shown = at(model.equations["rb"]), at(rounded(model.equations["rb"], 4))
    table = list(csv.DictReader(io.StringIO(model.export("csv"))))
    assert [row["name"] for row in table] == ["rb", "reco"]
    from_csv = read_latex(table[0]["latex"], [X, Y], [])
    np.testing.assert_array_equal(at(from_csv), exact)
    again = from_json(json.loads(model.export("json")))
    np.testing.assert_array_equal(at(again.equations["rb"]), exact)
    text = model.export("text").splitlines()[0]
    assert (
        text == "rb = max(0, 0.007512*sw_pot - 2.100*exp(-1.000e-7*ta))  [umol m-2 s-1]"
    )
    for kind in ("latex", "document", "markdown"):
        assert "0.007512" in model.export(kind), kind
    assert not np.array_equal(exact, shown)


def test_rows_of_the_csv_say_unit_features_and_verification(model):
    model.verification = Verification((Check("rounding", "", 1.0, 0.5, False),))
    rb, reco = csv.DictReader(io.StringIO(model.export("csv")))
    assert rb["kind"] == "latent"
    assert (reco["kind"], reco["unit"]) == ("target", "umol m-2 s-1")
    assert rb["features"] == "sw_pot, ta"
    assert rb["verification"] == "FAIL"
    assert int(rb["complexity"]) == complexity(model.equations["rb"])
    for kind in ("text", "markdown", "document"):
        assert "Verification FAILED" in model.export(kind)
    assert "FAILED" in notebook_latex(model)


def test_a_notebook_shows_one_display_formula(model):
    shown = model._repr_latex_()
    assert shown.startswith("$\\displaystyle")
    assert shown.endswith("$")
    assert r"\mathrm{rb} &=" in shown
    assert r"\mathrm{reco} &=" in shown
    assert "\\notag" not in shown
    assert shown.count("{") == shown.count("}")


def test_exports_are_the_same_every_time_and_tell_where_they_come_from(model):
    for kind in KINDS:
        once = model.export(kind, {"seed": "3"})
        assert once == model.export(kind, {"seed": "3"})
        assert ("seed: 3" in once) == (kind in ("document", "text", "markdown"))


def test_an_unknown_kind_names_the_closest(model):
    with pytest.raises(ConfigError, match="markdown"):
        model.export("markdwn")


def test_weights_change_the_complexity_of_a_family_and_of_a_feature(model):
    plain = complexity(model.equations["rb"])
    assert complexity(model.equations["rb"], {"exp": 4, "ta": 2.5}) == plain + 4.5
    assert complexity(sympy.Function("f_rb_ta")(X)) == REFUSED + 1
    assert complexity((X - 1) ** 2, {"quadratic": 3}) == complexity((X - 1) ** 2) + 2
    weighted = replace(
        model, record=FitRecord(SymbolicOptions(complexity={"sw_pot": 10.0}))
    )
    row = next(csv.DictReader(io.StringIO(weighted.export("csv"))))
    assert int(row["complexity"]) == plain + 9


def test_numbers_of_the_text_are_the_printed_ones(model):
    line = model.export("text").splitlines()[0]
    numbers = [float(one) for one in re.findall(r"\d+\.\d+(?:e-?\d+)?", line)]
    assert numbers == [printed_value(v, 4) for v in (0.00751234567, 2.1, 1e-7)]
