"""A composition is a model: saved, printed, exported, verified; faults are caught."""

from dataclasses import replace

import numpy as np
import pytest
from tex_check import check_latex

from sciren.decoders import Q10Respiration
from symbolic import SymbolicModel, compose

NAMES = ["light", "water", "other"]


def rows(seed=0, count=300):
    return np.random.default_rng(seed).uniform(0.5, 3.0, (count, 3))


@pytest.fixture(scope="module")
def plain():
    x = rows()
    noise = 0.01 * np.random.default_rng(1).normal(size=len(x))
    y = np.exp(0.9 * x[:, 0]) + 0.5 * x[:, 1] + noise
    return compose(x, y, names=NAMES, max_rung=1)


@pytest.fixture(scope="module")
def behind_a_process():
    x, rng = rows(2), np.random.default_rng(3)
    ta = rng.uniform(-5, 25, len(x))
    reco = (1 + 0.8 * x[:, 0] * x[:, 1]) * 1.6 ** ((ta - 15) / 10)
    reco = reco + 0.02 * rng.normal(size=len(x))
    return compose(x, reco, names=NAMES, process=Q10Respiration(), forcings={"ta": ta})


@pytest.fixture(params=["plain", "behind_a_process"])
def found(request):
    return request.getfixturevalue(request.param)


def test_the_model_has_the_numbers_of_the_composition(found):
    frame = dict(zip(NAMES, rows(7).T, strict=True))
    (name,) = found.model.latent_names
    values = found.model.latents(frame)[name]
    np.testing.assert_allclose(values, found.predict(frame), rtol=1e-12)
    if found.process is not None:
        forcings = {"ta": np.linspace(0, 20, len(values))}
        targets = found.model.predict(frame | forcings)["reco"]
        np.testing.assert_allclose(targets, found.observe(frame, forcings), rtol=1e-9)
    table = found.model.table
    assert list(table["error"]) == [constant.error for constant in found.constants]
    assert list(table["name"]) == [constant.name for constant in found.constants]


def test_a_saved_composition_is_loaded_as_a_model(found, tmp_path):
    path = found.save(tmp_path / "equation.json")
    again = SymbolicModel.load(path)
    assert again.equations == found.model.equations
    assert again.structures == found.model.structures


def test_a_composition_is_printed_and_exported(found):
    assert found.accepted
    for kind in ("markdown", "text", "csv", "json"):
        assert "light" in found.model.export(kind)
    assert "light" in found.latex()
    assert check_latex(found.model.export("document")) == []
    for language in ("python", "c", "fortran", "julia", "r"):
        assert "light" in found.model.to_code(language)


def test_forms_that_cannot_be_told_apart_are_named_beside_it(found):
    several = replace(
        found, outcome="not distinguishable", rivals=(("a", "tanh"), ("b", "curve"))
    )
    assert several.other_forms()[-2:] == (
        "a tanh of a",
        "a curve in place of the line of b",
    )
    assert " or a tanh of a or a curve in place" in str(several)


def test_a_composition_passes_the_checks_that_apply(found):
    checked = found.verify()
    assert checked.passed, checked.frame().to_string()
    verdicts = checked.frame().set_index("check")["verdict"].to_dict()
    assert verdicts.pop("close to network") == "does not apply"
    assert set(verdicts.values()) == {"PASS"}
    assert found.model.verification is checked
    assert "does not apply" in found.model.export("markdown")
    again = type(checked).from_json(checked.to_json())
    assert again.frame()["verdict"].tolist() == checked.frame()["verdict"].tolist()


def moved(composition, by):
    """The composition with one constant that is wrong by a share of its value."""
    vector = composition.form.pack()
    vector[1] *= 1.0 + by
    return replace(composition, form=composition.form.unpack(vector))


def test_a_constant_that_is_wrong_by_a_per_cent_is_caught(found):
    wrong = moved(found, 0.01).verify()
    failed = [check.name for check in wrong.checks if not check.passed]
    assert failed == ["stationary"]


def test_an_equation_that_is_not_the_formula_is_caught(found):
    other = replace(found)
    other.model.unconstrained = {
        name: 1.001 * one for name, one in other.model.unconstrained.items()
    }
    failed = [check.name for check in other.verify().checks if not check.passed]
    assert failed == ["same numbers"]


def test_a_process_that_cannot_be_traced_leaves_the_latent():
    x, depth = rows(4), np.linspace(1, 2, 300)

    def through(latent, forcings, constants):
        return np.tanh(0.1 * latent) * forcings["depth"]

    y = through(2 + np.abs(x[:, 0] - 1.5), {"depth": depth}, {})
    one = compose(x, y, process=through, forcings={"depth": depth}, max_rung=1)
    assert one.model.process is None
    assert one.verify().passed, one.model.verification.frame().to_string()
