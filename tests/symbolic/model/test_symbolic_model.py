"""Equations as a model: the same numbers as the process, clear errors, no torch."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sympy
import torch

from sciren import (
    KANEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    process_model,
)
from sciren.errors import ColumnError, ExpressionError
from symbolic import SymbolicModel, symbolify
from symbolic.model.record import ROUNDING_LOSS
from symbolic.printing.rounding import unexplained

ROOT = Path(__file__).resolve().parents[3]
RB = [Parameter("rb", low=0.0, unit="umol m-2 s-1")]


def frame(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 3, rows), rng.uniform(10, 50, rows)
    ta, w = rng.uniform(-5, 25, rows), rng.normal(size=rows)
    rb = 2 + 0.3 * (x - 0.7) ** 2 + 0.05 * y
    reco = rb * 1.8 ** ((ta - 15) / 10) + 0.05 * rng.normal(size=rows)
    return pd.DataFrame({"w": w, "x": x, "y": y, "t_air": ta, "reco": reco, "z": rb})


def equations(decoder, forcings, targets):
    data = frame()
    rows = Table.from_frame(data, ["w", "x", "y"], forcings, targets)
    model = ScIReN(
        KANEncoder(3, 1, seed=0), None if decoder is None else "auto", decoder
    )
    fit(model, rows, rows, TrainConfig())
    return symbolify(model, rows, compose=0), model, rows


@pytest.fixture(scope="module")
def respiration():
    return equations(Q10Respiration(), {"ta": "t_air"}, ["reco"])


@pytest.fixture(scope="module")
def regression():
    return equations(None, (), ["z"])


def test_names_are_those_of_process_and_table(respiration):
    symbolic, *_ = respiration
    assert symbolic.features == ("w", "x", "y")
    assert symbolic.used_features() == ["x", "y"]
    assert (symbolic.latent_names, symbolic.target_names) == (("rb",), ("reco",))
    assert symbolic.forcing_columns == {"ta": "t_air"}


def test_latents_need_only_the_features_that_an_equation_uses(respiration):
    symbolic, *_ = respiration
    data = frame(seed=5).set_index(np.arange(400) + 7)
    found = symbolic.latents(data[["y", "x"]])
    pd.testing.assert_index_equal(found.index, data.index)
    x, y = sympy.symbols("x y", real=True)
    expression = symbolic.equations["rb"]
    for row in (0, 17):
        point = {x: data.x.iloc[row], y: data.y.iloc[row]}
        assert found.rb.iloc[row] == pytest.approx(float(expression.subs(point)))


def test_predictions_are_those_of_the_process_model_at_the_equations_latents(
    respiration,
):
    symbolic, model, rows = respiration
    found = symbolic.predict(frame())
    latents = torch.from_numpy(found[["rb"]].to_numpy(copy=True))
    constants = torch.tensor(list(symbolic.constants.values()), dtype=torch.float64)
    expected = model.decoder.evaluate(latents, constants, rows.forcings)
    np.testing.assert_allclose(found.reco, expected[:, 0], rtol=1e-12)
    assert list(found.columns) == ["reco", "rb"]


def test_a_missing_forcing_gives_a_missing_target_and_a_latent(respiration):
    symbolic, *_ = respiration
    data = frame(10)
    data.loc[3, "t_air"] = np.nan
    found = symbolic.predict(data)
    assert found.reco.isna().tolist() == [row == 3 for row in range(10)]
    assert found.rb.notna().all()


def test_plain_regression_lists_its_target_once(regression):
    symbolic, *_ = regression
    found = symbolic.predict(frame())
    assert list(found.columns) == ["z"]


def test_regression_is_printed_under_the_name_of_its_target(regression, respiration):
    symbolic, _, _ = regression
    [latent] = symbolic.equations
    pointed = dataclasses.replace(
        symbolic, process={"stack.loss": sympy.Symbol(latent)}
    )
    assert pointed.plain
    assert pointed.left_side(latent) == "stack.loss"
    assert pointed.printed_process == {}
    behind, _, _ = respiration
    assert not behind.plain
    assert behind.left_side("rb") == "rb"
    assert list(behind.printed_process) == ["reco"]


def test_a_mapping_of_columns_is_as_good_as_a_frame(respiration):
    symbolic, *_ = respiration
    data = frame(30)
    columns = {name: data[name].to_numpy() for name in data}
    np.testing.assert_array_equal(symbolic.predict(columns), symbolic.predict(data))
    called = symbolic.to_numpy()(columns)
    assert set(called) == {"reco", "rb"}
    np.testing.assert_array_equal(called["reco"], symbolic.predict(data).reco)
    assert set(symbolic.to_numpy(targets=False)(columns)) == {"rb"}


@pytest.mark.parametrize(
    ("column", "call"), [("x", "latents"), ("x", "predict"), ("t_air", "predict")]
)
def test_a_missing_column_is_named(respiration, column, call):
    symbolic, *_ = respiration
    data = frame().drop(columns=column).rename(columns={"w": f"{column}_1"})
    message = f"the equations need column '{column}'. Closest names"
    with pytest.raises(ColumnError, match=message):
        getattr(symbolic, call)(data)


def test_a_process_that_cannot_be_traced_gives_latents_only():
    @process_model(RB, forcings=["ta"], targets=["reco"])
    def with_torch(p, f):
        return p.rb * torch.exp(0.06 * (f.ta - 15))

    symbolic, model, rows = equations(with_torch, {"ta": "t_air"}, ["reco"])
    assert symbolic.process is None
    with pytest.raises(ExpressionError, match="could not be traced with symbols"):
        symbolic.predict(frame())
    assert set(symbolic.to_numpy()(frame())) == {"rb"}
    network = model.latents(rows)[:, 0].numpy()
    np.testing.assert_allclose(symbolic.latents(frame()).rb, network, rtol=0.05)


def test_other_equations_leave_the_model_as_it_was(respiration):
    symbolic, *_ = respiration
    other = symbolic.with_equations({"rb": sympy.Float(2.5)})
    assert set(other.latents(frame()).rb) == {2.5}
    assert symbolic.equations["rb"] != sympy.Float(2.5)


def test_raw_latents_are_the_latents_inside_the_bounds(respiration):
    symbolic, *_ = respiration
    raw = symbolic.unconstrained_values(frame())["rb"]
    np.testing.assert_allclose(
        np.maximum(raw, 0), symbolic.latents(frame()).rb, rtol=1e-14
    )


def test_printed_equations_have_enough_digits(respiration):
    symbolic, *_ = respiration
    exact = symbolic.latents(frame()).rb.to_numpy()
    printed = symbolic.with_equations({"rb": symbolic.printed("rb")})
    found = printed.latents(frame()).rb.to_numpy()
    assert unexplained(exact, found) <= ROUNDING_LOSS


def test_equations_without_features_are_constant():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=300), "t": rng.normal(size=300)})
    rows = Table.from_frame(data, ["x"], (), ["t"])
    model = ScIReN(KANEncoder(1, 1, seed=0))
    fit(model, rows, rows, TrainConfig())
    symbolic = symbolify(model, rows, compose=0)
    assert symbolic.equations["t"].is_Float
    assert np.ptp(symbolic.latents(data).t) == 0.0
    assert len(symbolic.predict(data)) == 300


def test_saved_equations_predict_without_torch(respiration, tmp_path):
    symbolic, *_ = respiration
    path = symbolic.save(tmp_path / "equations.json")
    data = tmp_path / "data.csv"
    frame(20).to_csv(data, index=False)
    code = (
        "import sys, pandas as pd; from symbolic import SymbolicModel; "
        f"found = SymbolicModel.load({str(path)!r}).predict(pd.read_csv({str(data)!r})); "
        "print(repr(float(found.reco.sum())), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    expected = float(symbolic.predict(frame(20)).reco.sum())
    assert done.stdout.split() == [repr(expected), "False"]
    assert SymbolicModel.load(path).digits == symbolic.digits
