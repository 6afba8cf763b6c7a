"""Classes and places on a circle, from a table through a process to equations and code."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, Q10Respiration, ScIReN, TrainConfig, fit
from sciren.data import Table, split_random
from symbolic import SymbolicModel, symbolify, to_document, verify
from symbolic.printing.contents import printable

EFFECTS = {"CRO": 0.5, "DBF": -0.2, "ENF": -0.3}


def simulated(rows=500, seed=1000):
    rng = np.random.default_rng(seed)
    veg = rng.choice(list(EFFECTS), rows, p=[0.5, 0.3, 0.2])
    doy, ta = rng.uniform(0, 365.25, rows), rng.uniform(-5, 30, rows)
    wave = 0.6 * np.cos(2 * np.pi * (doy - 200) / 365.25)
    rb = 2.0 + np.array([EFFECTS[name] for name in veg]) + wave
    reco = rb * 1.6 ** ((ta - 15) / 10)
    noise = 0.05 * reco.std() * rng.standard_normal(rows)
    other = rng.choice(["a", "b"], rows)
    return pd.DataFrame(
        {
            "veg": veg,
            "doy": doy,
            "ta": ta,
            "other": other,
            "reco": reco + noise,
            "rb": rb,
        }
    )


FRAME = simulated()


@pytest.fixture(scope="module")
def trained():
    table = Table.from_frame(
        FRAME, ["veg", "doy", "other"], ["ta"], ["reco"],
        periodic={"doy": 365.25}, units={"doy": "d", "ta": "degC"},
    )  # fmt: skip
    split = split_random(table, (0.7, 0.15, 0.15), seed=0)
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    config = TrainConfig(bootstrap=0, smooth_choices=(1e-3,))
    history = fit(model, split.train, split.valid, config)
    equations = symbolify(model, split.train, compose=0)
    verify(equations, model, split.train, split.valid, split.test)
    return model, history, equations, split


def test_a_class_column_is_kept_or_dropped_as_one_feature(trained):
    _, history, equations, _ = trained
    status = {row["feature"]: row["status"] for row in history.edges}
    assert status == {"veg": "kept", "doy": "kept", "other": "excluded"}
    families = dict(
        zip(equations.edges["source"], equations.edges["family"], strict=True)
    )
    assert families == {"veg": "classes", "doy": "harmonic", "other": ""}


def test_equations_are_the_network_and_near_the_truth(trained):
    _, _, equations, _ = trained
    assert equations.verdict == "PASS"
    table = equations.table.set_index("name")
    value, error = table["value"], table["error"]
    mean = FRAME["veg"].map(EFFECTS).mean()
    for name, effect in EFFECTS.items():
        gap = value[f"veg[{name}]"] - (effect - mean)
        assert abs(gap) < 4 * error[f"veg[{name}]"] + 0.02
    assert abs(value["s_doy"] - 200) < 4 * error["s_doy"]
    assert table["unit"]["s_doy"] == "d"
    assert abs(value["a_doy"] - 0.6) < 4 * error["a_doy"]


def test_words_numbers_and_a_stored_copy_predict_alike(trained, tmp_path):
    model, _, equations, split = trained
    again = SymbolicModel.load(equations.save(tmp_path / "equations.json"))
    words = equations.predict(FRAME)
    pd.testing.assert_frame_equal(again.predict(FRAME), words)
    rows = FRAME.iloc[split.train.row_ids]
    network = model.latents(split.train).numpy()[:, 0]
    assert np.corrcoef(network, equations.latents(rows)["rb"])[0, 1] > 0.99
    module = equations.to_torch().latents({n: FRAME[n] for n in ("veg", "doy")})
    np.testing.assert_allclose(module["rb"].detach().numpy(), words["rb"])


def test_a_class_that_training_had_not_gets_the_mean(trained):
    model, _, equations, split = trained
    new = FRAME.head(3).assign(veg="savanna")
    old = equations.latents(FRAME.head(3))
    effects = equations.structures[0].edges[0]
    share = np.bincount(split.train.features[:, 0].long())[1:] / len(split.train)
    assert share @ effects.form.effects(effects.full) == pytest.approx(0, abs=1e-12)
    table = equations.table.set_index("name")["value"]
    moved = old["rb"] - [table[f"veg[{name}]"] for name in FRAME["veg"].head(3)]
    np.testing.assert_allclose(equations.latents(new)["rb"], moved)
    unseen = torch.tensor([[0.0, 100.0, 1.0]], dtype=torch.float64)
    every = torch.tensor([[k, 100.0, 1.0] for k in (1.0, 2.0, 3.0)]).double()
    raw = model.raw_latents(model.scaled(torch.cat((unseen, every)))).detach()[:, 0]
    assert float(raw[0]) == pytest.approx(
        float(raw[1:] @ torch.tensor(share)), abs=1e-3
    )


def test_documents_name_the_classes_and_no_range_of_their_numbers(trained):
    text = to_document(printable(trained[2]))
    assert "is one of CRO, DBF, ENF" in text
    assert "$1.00$ to $3.00$" not in text


def test_code_says_which_number_is_which_class(trained):
    equations = trained[2]
    for language in ("python", "c", "fortran", "julia", "r"):
        assert "1 = CRO, 2 = DBF, 3 = ENF" in equations.to_code(language)


def test_python_code_gives_the_numbers_of_the_equations(trained):
    equations = trained[2]
    space: dict = {}
    exec(compile(equations.to_code("python"), "equations", "exec"), space)
    codes = FRAME["veg"].map({"CRO": 1.0, "DBF": 2.0, "ENF": 3.0}).to_numpy()
    value = space["rb"](codes, FRAME["doy"].to_numpy())
    np.testing.assert_allclose(value, equations.latents(FRAME)["rb"])


@pytest.mark.slow
def test_gradients_train_classes_and_circles_too():
    frame = FRAME.head(300)
    table = Table.from_frame(
        frame, ["veg", "doy"], ["ta"], ["reco"], periodic={"doy": 365.25}
    )
    model = ScIReN(KANEncoder(2, 1), "auto", Q10Respiration())
    config = TrainConfig(
        engine="first-order",
        epochs=60,
        learning_rate=0.1,
        batch_size=300,
        profiles=False,
        select=False,
    )
    fit(model, table, table, config)
    rb = model.latents(table).numpy()[:, 0]
    assert np.corrcoef(rb, frame["rb"])[0, 1] > 0.95
    ends = torch.tensor([[1.0, 0.0], [1.0, 365.25]], dtype=torch.float64)
    raw = model.raw_latents(model.scaled(ends))
    torch.testing.assert_close(raw[0], raw[1])
