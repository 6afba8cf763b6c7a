"""symbolify: any model with edges, any bounds, the same bytes for the same input."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    AdditiveEncoder,
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Sigmoid,
    Table,
    TrainConfig,
    fit,
    process_model,
)
from sciren.errors import ColumnError, ConfigError, TrainingError
from symbolic import (
    DEFAULT_FAMILIES,
    FAMILIES,
    SymbolicModel,
    register_family,
    symbolify,
    to_document,
    to_latex,
    verify,
)
from symbolic.model.storage import to_json
from symbolic.printing.contents import printable
from symbolic.search.observations import matched, observed, units_of

ROOT = Path(__file__).resolve().parents[2]
INF = float("inf")
FIRST_ORDER = TrainConfig(engine="first-order", epochs=150, select=False)


def frame(rows=400, noise=0.03, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 3, rows), rng.uniform(10, 50, rows)
    w, ta = rng.normal(size=rows), rng.uniform(-5, 25, rows)
    rb = 2.2 + 0.4 * (x - 0.5) ** 2 + 0.05 * y
    reco = rb * 1.8 ** ((ta - 15) / 10)
    reco = reco + noise * reco.std() * rng.normal(size=rows)
    return pd.DataFrame({"x": x, "y": y, "w": w, "ta": ta, "reco": reco, "rb": rb})


def table(data=None, features=("x", "y", "w"), forcings=("ta",), targets=("reco",)):
    data = frame() if data is None else data
    return Table.from_frame(data, list(features), list(forcings), list(targets))


def kept(symbolic):
    rows = symbolic.edges[symbolic.edges.status != "dropped"]
    return dict(zip(rows.source, rows.family, strict=True))


# -- any model ----------------------------------------------------------------------------
@pytest.mark.parametrize("encoder", [KANEncoder, AdditiveEncoder], ids=["kan", "nam"])
def test_a_model_trained_by_first_order_becomes_the_same_equations(encoder):
    rows, valid = table(), table(frame(seed=1))
    model = ScIReN(encoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, valid, FIRST_ORDER)
    symbolic = symbolify(model, rows, compose=0)
    assert kept(symbolic) == {"x": "quadratic", "y": "linear"}
    assert verify(symbolic, model, rows, valid).passed


def test_a_linear_model_becomes_its_coefficients():
    data = frame(noise=0.0)
    data["z"] = 1.5 - 0.7 * data.x + 0.02 * data.y
    rows = table(data, forcings=(), targets=["z"])
    model = ScIReN(LinearEncoder(3, 1))
    fit(model, rows, rows, TrainConfig(engine="first-order", epochs=150))
    symbolic = symbolify(model, rows, compose=0)
    found = dict(zip(symbolic.table.name, symbolic.table.value, strict=True))
    assert found == pytest.approx({"z_0": 1.5, "a_x": -0.7, "a_y": 0.02}, rel=1e-6)


@pytest.mark.parametrize("hidden", [(), (1,)], ids=["one layer", "two layers"])
def test_a_model_built_by_hand_without_training_goes_the_same_way(hidden):
    rows = table()
    model = ScIReN(KANEncoder(3, 1, hidden=hidden, seed=3), "auto", Q10Respiration())
    assert (model.feature_names, model.residual_scale) == ((), None)
    with torch.no_grad():
        model.output_shift.fill_(4.0)
    symbolic = symbolify(model, rows, compose=0)
    judged = verify(symbolic, model, rows)
    assert all(c.passed for c in judged.checks if c.name != "close to network")
    assert list(symbolic.units.shift) == [0.0, 0.0, 0.0]


def test_forcings_and_targets_without_columns_are_called_by_their_own_names():
    rows = replace(table(), forcing_columns={}, target_columns={})
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows)
    symbolic = symbolify(model, rows, compose=0)
    assert symbolic.forcing_columns == {"ta": "ta"}
    assert symbolic.target_names == ("reco",)
    assert verify(symbolic, model, rows).checks[0].passed
    assert len(symbolic.predict(frame())) == 400


def test_a_proportional_noise_law_is_that_of_the_training():
    data = frame(noise=0.0)
    data["reco"] *= 1 + 0.05 * np.random.default_rng(4).normal(size=400)
    rows = table(data)
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows, TrainConfig(noise="proportional"))
    weights = observed(model, rows).term.observations.weights
    assert float(weights.max() / weights.min()) > 2
    symbolic = symbolify(model, rows, compose=0)
    assert kept(symbolic) == {"x": "quadratic", "y": "linear"}
    assert symbolic.constants["q10"] == pytest.approx(1.8, abs=0.02)


# -- any bounds ---------------------------------------------------------------------------
def bounded(low, high):
    return process_model([Parameter("rb", low=low, high=high)], targets=["reco"])(
        lambda p, f: p.rb
    )


@pytest.mark.parametrize(
    ("low", "high", "constraint"),
    [
        (0.0, 10.0, "hard_sigmoid"),
        (0.0, 10.0, "sigmoid"),
        (-1.0, 12.0, Sigmoid(0.7)),
        (0.0, INF, "relu"),
        (-INF, 12.0, "relu"),
        (0.0, INF, "softplus"),
        (-INF, 12.0, "softplus"),
        (-INF, INF, "identity"),
    ],
)
def test_every_constraint_gives_verified_equations_inside_its_bounds(
    low, high, constraint
):
    data = frame()
    data["reco"] = data.rb + 0.02 * np.random.default_rng(3).normal(size=400)
    rows, valid = table(data[:300], forcings=()), table(data[300:], forcings=())
    model = ScIReN(KANEncoder(3, 1, seed=0), constraint, bounded(low, high))
    fit(model, rows, valid)
    symbolic = symbolify(model, rows, compose=0)
    judged = verify(symbolic, model, rows, valid)
    assert all(c.passed for c in judged.checks if c.name != "close to network")
    far = symbolic.latents({n: 1e3 * data[n].to_numpy() for n in ("x", "y", "w")})
    assert far.rb.between(low, high).all()
    np.testing.assert_allclose(symbolic.latents(data).rb, data.rb, rtol=0.03)


def test_a_latent_of_large_values_behind_a_softplus_stays_finite():
    data = frame()
    data["reco"] = 3000 + 500 * data.x + np.random.default_rng(3).normal(size=400)
    rows = table(data, forcings=())
    model = ScIReN(KANEncoder(3, 1, seed=0), "softplus", bounded(0.0, INF))
    fit(model, rows, rows)
    symbolic = symbolify(model, rows, compose=0)
    assert verify(symbolic, model, rows).passed
    found = dict(zip(symbolic.table.name, symbolic.table.value, strict=True))
    assert (found["rb_0"], found["a_x"]) == pytest.approx((3000, 500), rel=1e-3)
    assert set(symbolic.table.unit) == {""}


def test_the_offset_has_the_unit_of_its_latent_where_the_bounds_only_clip():
    rows = table()
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows)
    assert symbolify(model, rows, compose=0).table.unit[0] == "umol m-2 s-1"


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_exponentials_of_years_survive_every_scaling(scaling, tmp_path):
    data = frame()
    rng = np.random.default_rng(7)
    data["year"] = rng.uniform(1990, 2010, 400)
    data["reco"] = (
        1 + 2 * np.exp(0.3 * (data.year - 2005)) + 0.05 * rng.normal(size=400)
    )
    rows = table(data, ["year", "y"], (), ["reco"])
    model = ScIReN(KANEncoder(2, 1, seed=0))
    fit(model, rows, rows, TrainConfig(scaling=scaling))
    symbolic = symbolify(model, rows, compose=0)
    assert kept(symbolic) == {"year": "exp"}
    assert verify(symbolic, model, rows).passed
    again = SymbolicModel.load(symbolic.save(tmp_path / "equations.json"))
    pd.testing.assert_frame_equal(again.predict(data), symbolic.predict(data))


@pytest.fixture
def hill():
    """A family of the user's own that has no rule for new units."""
    register_family(
        "bell", None, lambda x, k: 1 / (1 + (x / 10 - k) ** 4), {"k": (2.0, 5.0)}
    )
    yield "bell"
    del FAMILIES["bell"]


def test_a_family_of_ones_own_becomes_an_equation_of_the_feature_in_its_own_unit(
    hill, tmp_path
):
    data = frame()
    data["reco"] = 1 + 3 / (1 + (data.y / 10 - 3.5) ** 4)
    data["reco"] += 0.02 * np.random.default_rng(3).normal(size=400)
    rows = table(data, forcings=())
    model = ScIReN(KANEncoder(3, 1, grid=14, seed=0), "auto", bounded(0.0, INF))
    fit(model, rows, rows)
    symbolic = symbolify(model, rows, families=[*DEFAULT_FAMILIES, hill], compose=0)
    assert kept(symbolic) == {"y": "bell"}
    found = dict(zip(symbolic.table.name, symbolic.table.value, strict=True))
    assert found == pytest.approx({"rb_0": 1.0, "a_y": 3.0, "k_y": 3.5}, rel=0.05)
    judged = verify(symbolic, model, rows)
    assert all(c.passed for c in judged.checks if c.name != "close to network")
    again = SymbolicModel.load(symbolic.save(tmp_path / "equations.json"))
    pd.testing.assert_frame_equal(again.latents(data), symbolic.latents(data))


# -- tables -------------------------------------------------------------------------------
@process_model(
    [Parameter("a"), Parameter("b")], forcings=["ta"], targets=["first", "second"]
)
def two_targets(p, f):
    return {"first": p.a * f.ta, "second": p.b - p.a}


def test_targets_may_stand_in_any_order():
    data = frame()
    noise = 0.02 * np.random.default_rng(2).normal(size=(2, 400))
    data["first"] = (1 + 0.5 * data.x) * data.ta + noise[0]
    data["second"] = 0.1 * data.y - (1 + 0.5 * data.x) + noise[1]
    straight = table(data, targets=["first", "second"])
    turned = table(data, targets=["second", "first"])
    model = ScIReN(KANEncoder(3, 2, seed=0), "auto", two_targets)
    fit(model, turned, turned)
    one, other = (
        symbolify(model, straight, compose=0),
        symbolify(model, turned, compose=0),
    )
    assert one.equations == other.equations
    assert other.target_names == ("first", "second")
    assert verify(other, model, turned).passed
    assert torch.equal(matched(model, turned).targets, straight.targets)


def model_of(rows):
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows, TrainConfig(select=False))
    return model


def test_a_table_that_does_not_fit_the_model_is_refused():
    rows, data = table(), frame()
    model = model_of(rows)
    with pytest.raises(ColumnError, match="same features in the same order"):
        symbolify(model, table(features=["w", "y", "x"]))
    with pytest.raises(ColumnError, match="needs forcing 'ta', which the table does"):
        symbolify(model, table(forcings=[]))
    with pytest.raises(
        ColumnError, match=r"needs target 'reco'.*Closest names: reco_2"
    ):
        symbolify(
            model, table(data.rename(columns={"reco": "reco_2"}), targets=["reco_2"])
        )
    with pytest.raises(TrainingError, match="no rows"):
        symbolify(model, rows.take(slice(0, 0)))
    data.loc[3, "ta"] = np.nan
    columns = (["x", "y", "w"], ["ta"], ["reco"])
    holes = Table.from_frame(data, *columns, missing_forcing="keep")
    with pytest.raises(TrainingError, match="forcing 'ta' has missing values"):
        symbolify(model, holes)


def test_rows_without_a_target_do_not_matter():
    data = frame(300)
    holes = pd.concat([data, data.assign(reco=np.nan, x=data.x / 2)])
    model = model_of(table(data))
    one, other = (
        symbolify(model, table(data), compose=0),
        symbolify(model, table(holes), compose=0),
    )
    assert kept(one) == kept(other)
    assert one.constants == pytest.approx(other.constants, rel=1e-6)


def test_what_cannot_become_equations_is_refused():
    rows = table()
    black_box = ScIReN(MLPEncoder(3, 1), "auto", Q10Respiration())
    with pytest.raises(TrainingError, match="MLPEncoder has no edges"):
        symbolify(black_box, rows)
    parts = ([Parameter("rb", low=0.0)], ["ta"], ["reco"])
    mixing = process_model(*parts, rowwise=False)(lambda p, f: p.rb.cumsum(0))
    with pytest.raises(TrainingError, match="does not act row by row"):
        symbolify(ScIReN(KANEncoder(3, 1), "auto", mixing), rows)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"pins": {"z": "linear"}}, "'discovery.pins': 'z' is no edge"),
        ({"pins": {"x": "linaer"}}, "family 'linaer' is not in the library"),
        ({"forbid": {"rbb": ["linear"]}}, "'discovery.forbid': 'rbb'.*rb"),
        ({"families": ["wave"]}, "family 'wave' is not in the library"),
    ],
)
def test_choices_that_do_not_exist_are_named(choice, message):
    rows = table()
    with pytest.raises(ConfigError, match=message):
        symbolify(model_of(rows), rows, **choice)


def test_the_units_are_the_scaling_and_the_range_of_the_rows():
    rows = table()
    units, x = units_of(model_of(rows), rows), rows.features.numpy()
    assert units.names == ("x", "y", "w")
    np.testing.assert_allclose(units.shift, x.mean(0))
    np.testing.assert_allclose(units.scale, x.std(0))
    np.testing.assert_array_equal([units.low, units.high], [x.min(0), x.max(0)])


# -- determinism --------------------------------------------------------------------------
def fingerprint():
    """Hash of everything that is written about one fitted model."""
    torch.set_num_threads(1)
    rows = table()
    model = model_of(rows)
    symbolic = symbolify(model, rows, search_rows=200, seed=4)
    verify(symbolic, model, rows)
    parts = [json.dumps(to_json(symbolic)), to_document(printable(symbolic))]
    parts += [to_latex(equation, None) for equation in symbolic.equations.values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def test_the_same_input_gives_the_same_bytes():
    assert fingerprint() == fingerprint()


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_in_every_process():
    code = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location('t', {__file__!r}); "
        "module = importlib.util.module_from_spec(spec); "
        "spec.loader.exec_module(module); print(module.fingerprint())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
