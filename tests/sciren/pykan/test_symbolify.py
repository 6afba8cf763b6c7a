"""A pykan model becomes a verified equation."""

import pandas as pd
import pytest
import torch

from sciren import (
    FeatureScaling,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    load_model,
    save_model,
)
from sciren.encoders import KANEncoder
from sciren.pykan import contained, from_pykan, refitted
from sciren.pykan.knots import curve_coefficients
from symbolic import symbolify, verify

FEATURES = ("sw_pot", "dsw_pot", "ta")


def rows(count=500):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, generator=generator) * 2 - 1


def with_curves(layer, curves):
    """Give the edges of a pykan layer known curves; None removes an edge."""
    reach = float(layer.grid[0, -layer.k - 1]) * 0.999
    x = torch.linspace(-reach, reach, 300).unsqueeze(1).repeat(1, layer.in_dim)
    values = [
        torch.stack([(f or torch.zeros_like)(x[:, i]) for f in row], 1)
        for i, row in enumerate(curves)
    ]
    y = torch.stack(values, 1)
    layer.coef.data = curve_coefficients(x, y, layer.grid.data, layer.k)
    layer.scale_sp.data.fill_(1.0)
    alive = [[float(f is not None) for f in row] for row in curves]
    layer.mask.data = torch.tensor(alive)


def equation(encoder):
    """Return the equation of an encoder behind noisy targets, and its verification."""
    x = rows().double()
    with torch.no_grad():
        y = encoder(x)[:, 0]
    noise = torch.randn(len(y), generator=torch.Generator().manual_seed(1)).double()
    frame = pd.DataFrame(x.numpy(), columns=list(FEATURES))
    frame["y"] = (y + 0.01 * noise).numpy()
    table = Table.from_frame(frame, features=FEATURES, targets=["y"])
    model = ScIReN(encoder)
    model.set_scaling(FeatureScaling.fit(table.features, "none"), FEATURES)
    symbolic = symbolify(model, table)
    return symbolic.edges.set_index("source")["family"], verify(symbolic, model, table)


def additive(kan):
    with contained():
        model = kan.KAN(
            width=[3, 1],
            grid=8,
            base_fun="zero",
            grid_range=[-1.2, 1.2],
            auto_save=False,
        )
    curves = [[lambda u: 2 * u], [lambda u: u**2], [None]]
    with_curves(model.act_fun[0], curves)
    return model


def test_an_additive_model_with_even_knots(kan):
    encoder = from_pykan(additive(kan), FEATURES)
    assert isinstance(encoder, KANEncoder)
    families, verification = equation(encoder)
    assert families["sw_pot"] == "linear"
    assert families["dsw_pot"] == "quadratic"
    assert verification.passed


def test_an_additive_model_with_adaptive_knots(kan):
    model = additive(kan)
    with contained():
        model.update_grid_from_samples(rows())
    encoder = refitted(from_pykan(model, FEATURES), rows()).encoder
    families, verification = equation(encoder)
    assert families["dsw_pot"] == "quadratic"
    assert verification.passed


def test_adaptive_knots_carried_exactly_need_no_refit(kan, tmp_path):
    model = additive(kan)
    with contained():
        model.update_grid_from_samples(rows())
    encoder = from_pykan(model, FEATURES)
    families, verification = equation(encoder)
    assert families["dsw_pot"] == "quadratic"
    assert families.get("ta", "") in ("", "constant")
    assert verification.passed
    whole = ScIReN(encoder)
    save_model(whole, tmp_path)
    x = rows().double()
    torch.testing.assert_close(load_model(tmp_path).encoder(x), encoder(x))


def test_a_hidden_node_with_a_closed_form(kan):
    with contained():
        model = kan.KAN(
            width=[3, 1, 1],
            grid=8,
            base_fun="zero",
            grid_range=[-4, 4],
            auto_save=False,
        )
        with_curves(model.act_fun[0], [[lambda u: 2 * u], [lambda u: u], [None]])
        model.fix_symbolic(1, 0, 0, "abs", fit_params_bool=False)
    model.symbolic_fun[1].affine.data[0, 0] = torch.tensor([1.0, -0.3, 1.0, 0.5])
    carried = from_pykan(model, FEATURES)
    families, verification = equation(refitted(carried, rows(), tolerance=1e-2).encoder)
    assert families["h1_y"] == "abs"
    assert verification.passed


@pytest.mark.parametrize("kind", ["adaptive", "symbolic"])
def test_a_carried_network_is_trained_like_every_encoder(made, kind):
    case = made(kind)
    encoder = from_pykan(case.model, FEATURES)
    columns = [f"y{k + 1}" for k in range(encoder.n_outputs)]
    columns = ["y"] if len(columns) == 1 else columns
    x = case.rows.double()
    frame = pd.DataFrame(x.numpy(), columns=list(FEATURES))
    frame[columns] = case.outputs().numpy() + 0.3 * x[:, :1].numpy()
    table = Table.from_frame(frame, features=FEATURES, targets=columns)
    settings = TrainConfig(engine="first-order", epochs=10, scaling="none", seed=1)
    model = ScIReN(encoder)
    history = fit(model, table, table, settings).frame()
    assert history["data"].iloc[-1] < history["data"].iloc[0]
    assert torch.isfinite(model.predict(table).targets).all()
