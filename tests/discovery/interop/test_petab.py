"""A PEtab-SciML problem holds the encoder and the process: its numbers are predict's."""

import h5py
import numpy as np
import pandas as pd
import pytest
import sympy
import torch
import yaml

from discovery.interop.petab import petab_problem, write_problem
from sciren import KANEncoder, ScIReN
from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import AdditiveEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ConfigError
from sciren.parameters import Parameter


def table(rows=30):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(5, 3, (rows, 2)), columns=["soil water", "time"])
    frame["ta"] = rng.normal(12, 6, rows)
    frame["reco"] = rng.uniform(1, 4, rows)
    frame.loc[4, "reco"] = np.nan
    return Table.from_frame(frame, ["soil water", "time"], ["ta"], {"reco": "reco"})


@process_model(
    [
        Parameter("rb", low=0.5, high=8.0),
        Parameter("q10", low=1, high=4, start=1.5, kind="constant"),
    ],
    ["ta"],
    ["reco"],
)
def bounded(p, f):
    return p.rb * p.q10 ** ((f.ta - 15) / 10)


def model_of(encoder, decoder=None):
    from sciren import TrainConfig, fit

    model = ScIReN(encoder, "auto", decoder or Q10Respiration())
    config = TrainConfig(engine="first-order", epochs=3, select=False, profiles=False)
    fit(model, table(), table(), config)
    return model


def values_of(folder):
    """Evaluate a problem by its files alone: network, then observables."""
    net = yaml.safe_load((folder / "net.yaml").read_text())
    conditions = pd.read_csv(folder / "conditions.tsv", sep="\t")
    wide = conditions.pivot(
        index="conditionId", columns="targetId", values="targetValue"
    )
    rows = pd.read_csv(folder / "experiments.tsv", sep="\t").conditionId
    wide = wide.loc[rows]
    links = pd.read_csv(folder / "hybridization.tsv", sep="\t")
    links = dict(zip(links.targetId, links.targetValue, strict=True))
    inputs = [links[name] for name in links if name.startswith("net_input")]
    with h5py.File(folder / "net.hdf5") as file:
        arrays = file["parameters/net"]
        state = {"x": wide[inputs].to_numpy()}
        for node in net["forward"][1:-1]:
            given = state[node["args"][0]]
            other = [state[name] for name in node["args"][1:]]
            if node["op"] == "call_module":
                weight, bias = (
                    arrays[node["target"]]["weight"],
                    arrays[node["target"]]["bias"],
                )
                product = np.einsum("ni,oi...->no...", given, weight[()])
                for factor in other:
                    product = np.einsum("noj,nj->no", product, factor)
                state[node["name"]] = product + bias[()]
            else:
                function = getattr(torch.nn.functional, node["target"])
                state[node["name"]] = function(torch.tensor(given)).numpy()
        raw = state[net["forward"][-1]["args"][0]]
    parameters = pd.read_csv(folder / "parameters.tsv", sep="\t").set_index(
        "parameterId"
    )
    known = {name: wide[name].to_numpy() for name in wide}
    known |= {
        name: float(value)
        for name, value in parameters.nominalValue.items()
        if value != "array"
    }
    known |= {
        name: raw[:, int(value.removeprefix("net_output")) - 1]
        for name, value in links.items()
        if str(value).startswith("net_output")
    }
    observables = pd.read_csv(folder / "observables.tsv", sep="\t")
    symbols = {name: sympy.Symbol(name) for name in known}
    names = symbols | {"max": sympy.Max, "min": sympy.Min}

    def value(text):
        formula = sympy.sympify(text.replace("^", "**"), names)
        used = sympy.lambdify(list(symbols.values()), formula, "numpy")
        return np.broadcast_to(used(*known.values()), len(wide))

    first = observables.iloc[0]
    errors = value(first.noiseFormula)
    return value(first.observableFormula), observables, parameters, errors


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        (LinearEncoder(2, 1), None),
        (MLPEncoder(2, 1, width=4, depth=2, activation="tanh"), bounded),
        (KANEncoder(2, 1, grid=5), bounded),
    ],
)
def test_the_files_alone_give_the_predictions(tmp_path, encoder, decoder):
    model = model_of(encoder, decoder)
    write_problem(model, table(), tmp_path / "problem")
    found, observables, parameters, _ = values_of(tmp_path / "problem")
    known = table().take(table().observed[:, 0])  # only observed rows are conditions
    expected = model.predict(known).targets.detach().numpy()[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert observables.noiseFormula.tolist() == ["reco_sd"]
    assert float(parameters.nominalValue["q10"]) == pytest.approx(
        model.constants()["q10"]
    )
    measured = pd.read_csv(tmp_path / "problem" / "measurements.tsv", sep="\t")
    assert len(measured) == 29


@pytest.mark.parametrize("kind", ["identity", "log", "asinh"])
def test_errors_grow_as_they_did_in_the_training(tmp_path, kind):
    model = model_of(LinearEncoder(2, 1), bounded)
    model.residual_scale = scale = ResidualScale.fit(table().targets, kind)
    write_problem(model, table(), tmp_path / "problem")
    found, _, _, errors = values_of(tmp_path / "problem")
    observed = table().targets[table().observed].numpy()
    # their size is free, so that it is one for what was observed
    assert np.std((observed - found) / errors) == pytest.approx(1)
    at = torch.tensor(found)[:, None]
    moved = scale.transform(at + 1e-4 * torch.tensor(errors)[:, None])
    steps = (moved - scale.transform(at)).numpy()
    np.testing.assert_allclose(steps, steps[0, 0], rtol=1e-3)


def test_reserved_names_are_changed(tmp_path):
    write_problem(model_of(LinearEncoder(2, 1)), table(), tmp_path / "problem")
    names = set(pd.read_csv(tmp_path / "problem" / "conditions.tsv", sep="\t").targetId)
    assert names == {"soil_water", "time_2", "ta"}


@pytest.mark.parametrize(
    "encoder",
    [
        MLPEncoder(2, 1, width=4, depth=2, activation="tanh"),
        KANEncoder(2, 1, grid=10),
    ],
)
def test_the_network_is_one_of_the_standard(tmp_path, encoder):
    standard = pytest.importorskip("petab_sciml.standard.nn_model")
    model = model_of(encoder)
    write_problem(model, table(), tmp_path / "problem")
    net = standard.NNModelStandard.load_data(tmp_path / "problem" / "net.yaml")
    module = net.to_pytorch_module().double()
    with h5py.File(tmp_path / "problem" / "net.hdf5") as file:
        state = {
            f"{layer}.{part}": torch.tensor(values[()])
            for layer, parts in file["parameters/net"].items()
            for part, values in parts.items()
        }
    module.load_state_dict(state)
    far = 3 * (table().features - 5) + 5  # straight lines beyond the knots
    raw = model.raw_latents(model.scaled(far)).detach()
    torch.testing.assert_close(module(far).detach(), raw, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("dropped", "width"), [([0], 3), ([0, 1], 1)])
def test_a_dropped_feature_has_no_weights(tmp_path, dropped, width):
    model = model_of(KANEncoder(2, 1, grid=5))
    with torch.no_grad():
        model.encoder.spline_layers[0].mask[dropped] = 0
    write_problem(model, table(), tmp_path / "problem")
    found, _, parameters, _ = values_of(tmp_path / "problem")
    expected = model.predict(table().take(table().observed[:, 0])).targets
    np.testing.assert_allclose(found, expected.detach().numpy()[:, 0], rtol=1e-10)
    net = yaml.safe_load((tmp_path / "problem" / "net.yaml").read_text())
    assert net["layers"][0]["args"]["out_features"] == width
    # products hold the splines: whoever fits on leaves them
    assert (
        len(dropped) == 2
        or not parameters.estimate.astype(str).str.lower().eq("true")["net_ps"]
    )


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (KANEncoder(2, 1, hidden=[2]), "with hidden nodes"),
        (KANEncoder(2, 1, base="silu"), "with base 'silu'"),
        (KANEncoder(2, 1, outside="zero"), "curves that end at zero"),
        (AdditiveEncoder(2, 1), "no layers for this AdditiveEncoder"),
        (KANEncoder(2, 1, grid=200), "take 66,594,150 weights"),
        (MLPEncoder(2, 1, batch_norm=True), "without batch norm"),
    ],
)
def test_other_encoders_are_refused(tmp_path, encoder, said):
    with pytest.raises(ConfigError, match=said):
        write_problem(
            ScIReN(encoder, "auto", Q10Respiration()), table(), tmp_path / "x"
        )
    assert not (tmp_path / "x").exists()


def test_plain_regression_has_no_process(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written as a formula"):
        write_problem(ScIReN(LinearEncoder(2, 1)), table(), tmp_path / "x")


def test_a_run_is_written_and_a_folder_is_kept(light, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "problem.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="no PEtab problem of sciren"):
        petab_problem(light, tmp_path / "there", overwrite=True)
    problem = petab_problem(light, tmp_path / "problem", rows=20)
    found = values_of(problem)[0]
    measured = pd.read_csv(problem / "measurements.tsv", sep="\t")
    assert np.corrcoef(found, measured.measurement)[0, 1] > 0.9
