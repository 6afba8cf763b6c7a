"""Source code gives the numbers of the equations, in every language at hand."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren.errors import ConfigError
from symbolic.code import LANGUAGES, to_code
from symbolic.code.identifiers import LONGEST

SAME = 1e-12


def test_every_language_gives_the_numbers_of_predict(model, language, rows, run_code):
    expected = model.predict(rows)
    found, values = run_code(model, language, rows)
    names = [*model.equations, *model.process]
    assert len(found) == len(names)
    for name, one in zip(names, found, strict=True):
        want = expected[name].to_numpy()
        size = np.maximum(np.abs(want), np.sqrt(np.nanmean(want**2)))
        got = np.broadcast_to(values[one.identifier], want.shape)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want), err_msg=name)
        gap = np.nanmax(np.abs(got - want) / size)
        assert gap <= SAME, (name, gap)
    for name, (_, low, high, _) in model.constraints.items():
        got = values[found[names.index(name)].identifier]
        assert (got[~np.isnan(got)] >= low - 1e-12).all(), name
        assert (got[~np.isnan(got)] <= high + 1e-12).all(), name


def test_a_missing_value_stays_missing(model, language, rows, run_code):
    data = rows.head(3).copy()
    data.loc[1, "sw_pot"] = np.nan
    found, values = run_code(model, language, data)
    for one in found[:2]:
        got = values[one.identifier]
        assert np.isnan(got).tolist() == [False, True, False], one.identifier


def test_code_is_the_same_every_time_and_says_where_it_comes_from(model, language):
    provenance = {"data": "tower.csv\nSHA-256 0abc", "seed": "7"}
    code = to_code(model, language, provenance)
    assert code == to_code(model, language, provenance)
    assert "data: tower.csv SHA-256 0abc" in code
    assert "seed: 7" in code
    assert "1.512345678901234" in code  # full precision
    assert "column 'soil temp (°C)'" in code
    assert "µmol m-2 s-1" in code
    assert "bounds 0.1 to 0.9 (hard_sigmoid)" in code


def test_names_are_legal_and_different(routines, language):
    writer = LANGUAGES[language]
    words = [routine.identifier for routine in routines]
    words += {a.identifier for routine in routines for a in routine.arguments}
    assert all(re.fullmatch(r"[A-Za-z]\w*", word, re.ASCII) for word in words)
    assert max(map(len, words)) <= LONGEST
    folded = [word.lower() for word in words] if writer.FOLDED else words
    assert len(set(folded)) == len(folded)
    assert not set(words) & set(writer.RESERVED)


def test_a_process_that_cannot_be_traced_is_said_to_be_left_out(model, language):
    latents = replace(model, process=None, process_latex=r"y = A^{-1} u")
    code = latents.to_code(language)
    assert "latents only" in code
    assert "A^{-1}" in code.replace("/", "\\")
    assert "gpp" not in code


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        (None, "latents only"),
        (r"\begin{aligned} y &= u \end{aligned}", "see the LaTeX"),
    ],
)
def test_a_process_without_a_line_of_latex_is_not_quoted(model, latex, said):
    code = replace(model, process=None, process_latex=latex).to_code("python")
    assert said in code
    assert "aligned" not in code


def test_plain_regression_is_written_once(model):
    once = replace(model, process={"rb": sympy.Symbol("rb", real=True)})
    assert once.to_code("python").count("def rb(") == 1
    assert "def rb_2(" not in once.to_code("python")


def test_an_unknown_language_names_the_closest(model):
    with pytest.raises(ConfigError, match="fortran"):
        model.to_code("fortan")


def test_python_code_takes_single_numbers(model):
    space: dict = {}
    exec(model.to_code("python"), space)
    row = pd.DataFrame({"sw_pot": [12], "lambda": [3]})
    expected = model.latents(row.assign(**dict.fromkeys(model.features[2:], 1.0)))
    assert float(space["beta"](12, 3)) == pytest.approx(expected.beta[0], rel=1e-13)
