"""Equation files: bit for bit the same model, and never any code."""

import copy
import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren.edge_columns import EDGE_COLUMNS
from sciren.errors import ExpressionError, FormatError
from symbolic import SymbolicModel, to_latex
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.variants import exp_about, form_named
from symbolic.model.fit_record import CompositionAttempt, FitRecord
from symbolic.model.storage import FORMAT, from_json, to_json
from symbolic.options import SymbolicOptions
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.rebuild import Units, constrained, raw_expression, refused_curves
from symbolic.terms.structure import LatentStructure
from symbolic.verdict import Check, Verification

INF = float("inf")
KNOTS = np.linspace(-2, 2, 9)
TABLE = SplineCurve(KNOTS, np.sin(KNOTS), (0.1, 0.2))
UNITS = Units(
    ("x", "ta", "year"),
    np.array([0.1, 10.0, 2005.0]),
    np.array([1.0, 8.0, 5.0]),
    np.array([-2.0, -6.0, 1995.0]),
    np.array([2.0, 26.0, 2015.0]),
)


def edges(source):
    names = [("linear", ""), ("quadratic", ""), ("exp", ""), ("log", "+"), ("abs", "")]
    found = []
    for k, name in enumerate(names):
        form = form_named(*name)
        found.append(EdgeTerm(source, form, (1.1 + k, 2.7)[: len(form.constants) - 1]))
    return (*found, EdgeTerm(source, exp_about(0.5), (0.3, 0.2)))


def planted():
    """A model with every kind of part, not fitted to anything."""
    refused = EdgeTerm(1, None, (), TABLE, "f_rb_ta")
    nodes = (
        Node("log", 1.5, 9.0, edges(0)[:1]),
        Node("spline", 1.0, 0.3, (refused,), TABLE, "g_rb_2"),
    )
    structures = (
        LatentStructure("rb", 1 / 3, (*edges(0), refused), nodes),
        LatentStructure("alpha", 0.1, edges(2)[:1], (), True),
    )
    raw = {structure.name: raw_expression(structure, UNITS) for structure in structures}
    constraints = {"rb": ("relu", 0.0, INF, 1.0), "alpha": ("sigmoid", 0.0, 1.0, 0.5)}
    reco, q10 = sympy.symbols("rb q10", real=True)
    row = dict.fromkeys(EDGE_COLUMNS, "") | {
        "layer": 0, "importance": 0.1, "r2": float("nan"), "ambiguous": False,
        "gap": np.float64(3.5), "low": np.float64(-2.0), "high": 2.0,
    }  # fmt: skip
    return SymbolicModel(
        equations={n: constrained(e, *constraints[n]) for n, e in raw.items()},
        unconstrained=raw,
        process={"reco": reco * q10},
        process_latex=None,
        constants={"q10": 0.1 + 0.2},
        errors={"q10": float("nan")},
        functions=refused_curves(structures, UNITS),
        structures=structures,
        units=UNITS,
        edges=pd.DataFrame([row]),
        table=pd.DataFrame([{"name": "rb_0", "value": 1 / 3, "error": float("nan")}]),
        forcing_columns={"ta": "t_air"},
        target_columns={"reco": "nee"},
        unit_of={"rb": "umol"},
        constraints=constraints,
        record=FitRecord(layers=2),
        verification=Verification((Check("rounding", "loss", INF, 1e-4, False),)),
        digits=5,
    )


MODEL = planted()
STORED = json.loads(json.dumps(to_json(MODEL)))
ROWS = {
    "x": np.random.default_rng(0).uniform(-2, 2, 50),
    "ta": np.random.default_rng(1).uniform(-6, 26, 50),
    "year": np.random.default_rng(2).uniform(1995, 2015, 50),
}


def changed(change):
    """A copy of the stored model after a change in place."""
    stored = copy.deepcopy(STORED)
    change(stored)
    return stored


def test_a_saved_model_is_the_same_bit_by_bit(tmp_path):
    path = MODEL.save(tmp_path / "equations.json")
    again = SymbolicModel.load(path)
    pd.testing.assert_frame_equal(
        again.latents(ROWS), MODEL.latents(ROWS), check_exact=True
    )
    assert again.structures[1] == MODEL.structures[1]
    assert again.constants == MODEL.constants
    assert again.constraints == MODEL.constraints
    assert np.isnan(again.errors["q10"])
    assert again.equations == MODEL.equations
    assert [to_latex(e, None) for e in again.equations.values()] == [
        to_latex(e, None) for e in MODEL.equations.values()
    ]
    z = np.random.default_rng(0).uniform(-2, 2, (50, 3))
    for structure, other in zip(MODEL.structures, again.structures, strict=True):
        np.testing.assert_array_equal(structure.value(z), other.value(z))
    assert (again.digits, again.record) == (5, FitRecord(layers=2))
    assert not again.verification.passed


def test_saving_again_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    MODEL.save(first)
    SymbolicModel.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_the_file_is_strict_json_without_leftovers(tmp_path):
    path = MODEL.save(str(tmp_path / "equations.json"))

    def refuse(word):
        raise AssertionError(word)

    json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert [one.name for one in tmp_path.iterdir()] == ["equations.json"]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = MODEL.save(tmp_path / "equations.json")
    before = path.read_bytes()
    broken = planted()
    broken.constants["q10"] = object()
    with pytest.raises(TypeError):
        broken.save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_model_without_process_or_verdict_is_saved_as_well():
    plain = planted()
    plain.process, plain.verification, plain.process_latex = None, None, r"y = x"
    again = from_json(json.loads(json.dumps(to_json(plain))))
    assert (again.process, again.verification, again.process_latex) == (
        None,
        None,
        r"y = x",
    )


def test_a_column_of_missing_numbers_stays_a_column_of_numbers():
    again = from_json(copy.deepcopy(STORED))
    assert again.edges.r2.dtype == again.table.error.dtype == np.float64
    assert again.edges.r2.isna().all()
    assert to_json(again)["edges"] == STORED["edges"]


def test_options_and_attempts_are_stored_and_read_back():
    options = SymbolicOptions(compose=5.0, pins={"ta": "exp"}, model_selection=0)
    attempt = CompositionAttempt("rb", "data alone", "beaten", "abs[ta]", "why", 2.5)
    record = FitRecord(options, compositions=(attempt,), residual=0.02)
    model = from_json(json.loads(json.dumps(to_json(replace(MODEL, record=record)))))
    assert model.record == record
    (row,) = to_json(model)["settings"]["compositions"]
    assert (row["origin"], row["gap"], row["chosen"]) == ("data alone", 2.5, "user")


# -- what cannot be read ------------------------------------------------------------------
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 5000,
        b'{"a": NaN}',
        b"Infinity",
    ],
)
def test_what_is_no_json_is_a_format_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "equations.json"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"equation file .*equations\.json"):
        SymbolicModel.load(path)


def test_a_missing_file_and_a_folder_are_format_errors(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(FormatError, match="cannot be read"):
            SymbolicModel.load(path)


@pytest.mark.parametrize("stored", [None, [], 3, "text", {}, {"format": "other"}])
def test_what_is_no_equation_file_is_refused(stored):
    with pytest.raises(FormatError, match=f"no equation file of the format '{FORMAT}'"):
        from_json(stored)


NEEDED = [key for key in STORED if key not in ("format", "candidates", "spans")]


@pytest.mark.parametrize("key", NEEDED)
def test_every_part_is_needed(key):
    with pytest.raises(FormatError, match="cannot be read"):
        from_json(changed(lambda stored: stored.pop(key)))


@pytest.mark.parametrize("value", [3, "text", [1, 2], {"a": 1}, [[]], True])
@pytest.mark.parametrize("key", [*NEEDED, "spans"])
def test_parts_of_the_wrong_kind_never_raise_anything_else(key, value):
    with suppress(FormatError, ExpressionError):
        from_json(changed(lambda stored: stored.update({key: value})))


def edge_of(stored):
    return stored["structures"][0]["edges"][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: edge_of(s).update(family="wave"), "family 'wave', which is not in"),
        (lambda s: edge_of(s).update(variant="+"), "not in the library"),
        (lambda s: edge_of(s).update(constants=[]), "lacks its numbers"),
        (lambda s: edge_of(s).update(constants=[1, 2]), "lacks its numbers"),
        (lambda s: edge_of(s).update(family=None), "lacks its numbers"),
        (lambda s: edge_of(s).update(source=3), "starts at feature number 4"),
        (lambda s: edge_of(s).update(source=-1), "starts at feature number 0"),
        (lambda s: edge_of(s).pop("curve"), "cannot be read"),
        (lambda s: s["structures"].pop(), "other latents in 'structures'"),
        (lambda s: s["constraints"].pop("rb"), "other latents in 'constraints'"),
        (lambda s: s["unconstrained"].pop("rb"), "other latents in 'unconstrained'"),
        (lambda s: s["constraints"].update(rb=[]), "cannot be read"),
        (lambda s: s["units"]["scale"].pop(), "one scale and range a feature"),
        (lambda s: s["functions"]["g_rb_2"]["x"].reverse(), "increasing x"),
        (
            lambda s: s["structures"][0]["nodes"][0].update(outer="eval"),
            "outer function 'eval'",
        ),
        (lambda s: s["structures"][0]["nodes"][1].update(curve=None), "outer function"),
        (lambda s: s["edges"]["rows"].append([1]), "rows of unequal length"),
        (lambda s: s.update(digits="many"), "cannot be read"),
        (lambda s: s["verification"]["checks"][0].update(passed=1), "passed is 1"),
    ],
)
def test_a_damaged_part_is_named(change, message):
    with pytest.raises(FormatError, match=message):
        from_json(changed(change))


HOSTILE = [
    ["call", "__import__", "os"],
    ["eval", "1 + 1"],
    ["lambda", ["symbol", "x"]],
    ["symbol", "x", "commutative"],
    "__import__('os').getcwd()",
    {"__reduce__": ["os.system", "true"]},
    ["rational", 1, 0],
    None,
    [],
    [[["symbol", "x"]]],
]


@pytest.mark.parametrize("tree", HOSTILE, ids=str)
def test_hostile_formulas_are_refused_and_run_nothing(tree, monkeypatch):
    def never(*_, **__):
        raise AssertionError("code was run")

    monkeypatch.setattr("os.system", never)
    monkeypatch.setattr("os.getcwd", never)
    monkeypatch.setattr("sympy.sympify", never)
    with pytest.raises(ExpressionError):
        from_json(changed(lambda stored: stored["equations"].update(rb=tree)))


@pytest.mark.parametrize(
    "tree",
    [
        ["call", "__import__('os').system", ["symbol", "x"]],
        ["symbol", "__import__('os').getcwd()"],
    ],
    ids=str,
)
def test_a_name_that_looks_like_code_is_a_name_and_runs_nothing(tree, monkeypatch):
    ran = []
    with monkeypatch.context() as watched:
        watched.setattr("os.system", lambda *_: ran.append("system"))
        watched.setattr("os.getcwd", lambda *_: ran.append("getcwd"))
        model = from_json(changed(lambda stored: stored["equations"].update(rb=tree)))
        with pytest.raises(ExpressionError, match="which is not among"):
            model.latents(ROWS)
    assert not ran


def test_a_formula_too_deep_to_read_is_refused():
    tree = ["symbol", "x", "real"]
    for _ in range(400):
        tree = ["exp", tree]
    with pytest.raises(ExpressionError, match="levels deep"):
        from_json(changed(lambda stored: stored["equations"].update(rb=tree)))


def test_a_function_that_the_file_does_not_bring_cannot_be_called():
    tree = ["call", "open", ["symbol", "x", "real"]]
    model = from_json(changed(lambda stored: stored["equations"].update(rb=tree)))
    with pytest.raises(ExpressionError, match="calls 'open', which is not among"):
        model.latents(ROWS)
