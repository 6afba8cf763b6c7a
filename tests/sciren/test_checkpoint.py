"""Stored models come back bit for bit, and damaged files are refused."""

import json
import math
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sciren import checkpoint
from sciren.checkpoint import load_model, save_model
from sciren.comparison import ResidualScale
from sciren.constraints import HardSigmoid, Identity, Sigmoid, Softplus
from sciren.data.scaling import FeatureScaling
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.decoders.process import IdentityDecoder
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import FormatError
from sciren.inference.autoregression import Autoregression
from sciren.inference.noise import NoiseLaw
from sciren.model import ScIReN
from sciren.parameters import Parameter


def numbers(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def shaken(model, seed=0):
    """Every weight, bound and buffer as training may leave it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(
                parameter.shape, generator=generator, dtype=torch.float64
            )
            parameter.add_(0.1 * noise)
        model.output_shift.add_(0.3)
        model.output_scale.mul_(1.7)
    features = numbers(20, model.encoder.n_inputs, seed=seed + 1)
    names = tuple(f"x{k}" for k in range(features.shape[1]))
    model.set_scaling(FeatureScaling.fit(features, "standard"), names)
    return model


def rows_for(model, rows=15):
    features = numbers(rows, model.encoder.n_inputs, seed=9)
    forcings = {name: numbers(rows, seed=8) for name in model.decoder.forcings}
    targets = torch.empty(rows, 0, dtype=torch.float64)
    return Table(features, forcings, targets, model.feature_names, ())


def respiration(encoder=None, constraint="auto"):
    encoder = KANEncoder(3, 1, grid=4) if encoder is None else encoder
    return shaken(ScIReN(encoder, constraint, Q10Respiration(t_ref=12.5)))


@process_model(
    [
        Parameter("u", low=0.0, high=2.0),
        Parameter("v", low=1.0),
        Parameter("k", kind="constant"),
        Parameter("m", low=0, kind="constant"),
    ],
    forcings=["t"],
    targets=["y", "z"],
)
def own(p, f):
    return {"y": p.u * f.t + p.k, "z": p.m * p.v}


MODELS = {
    "additive spline": respiration,
    "hidden": lambda: respiration(KANEncoder(3, 1, hidden=(2,), grid=(4, 7))),
    "deep, noisy start": lambda: respiration(
        KANEncoder(3, 1, hidden=(2, 2), base="silu", start="noise", margin=0.4, seed=3)
    ),
    "zero outside": lambda: respiration(
        KANEncoder(3, 1, base="identity", outside="zero", shared=True)
    ),
    "linear": lambda: respiration(LinearEncoder(3, 1)),
    "perceptron": lambda: respiration(
        MLPEncoder(
            3, 1, width=5, depth=2, activation="gelu", batch_norm=True, skip=True
        )
    ),
    "small networks": lambda: respiration(AdditiveEncoder(3, 1, width=4)),
    "softplus": lambda: respiration(constraint=Softplus()),
    "plain": lambda: shaken(ScIReN(KANEncoder(2, 3, grid=3))),
    "identity": lambda: shaken(
        ScIReN(KANEncoder(2, 2, grid=3), "auto", IdentityDecoder(["y", "z"]))
    ),
    "plain, one": lambda: shaken(ScIReN(MLPEncoder(2, 1))),
    "own": lambda: shaken(
        ScIReN(KANEncoder(2, 2), {"u": Sigmoid(0.25), "v": Identity()}, own)
    ),
    "own, clipped": lambda: shaken(ScIReN(KANEncoder(2, 2), {"u": HardSigmoid()}, own)),
}


MEMORY = Autoregression((np.zeros(0), np.array([0.1 + 0.2])), np.array([1.1, 1.0]))
LAW = NoiseLaw((1 / 3,), (1.0,), (0.05,), (MEMORY,))


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_model_comes_back_bit_for_bit(tmp_path, name):
    model = MODELS[name]()
    model.residual_scale = ResidualScale.fit(
        numbers(9, len(model.target_names)).abs(), "log"
    )
    model.violation_weight, model.noise = 0.75, "proportional"
    model.noise_law = LAW.to_json()
    save_model(model, tmp_path / "new" / "folder")
    again = load_model(tmp_path / "new" / "folder", own if "own" in name else None)
    state, other = model.state_dict(), again.state_dict()
    assert state.keys() == other.keys()
    assert all(torch.equal(state[key], other[key]) for key in state)
    table = rows_for(model)
    for one, two in zip(model.predict(table), again.predict(table), strict=True):
        assert torch.equal(one, two)
    for attribute in (
        "latent_names", "target_names", "feature_names", "scaling_kind", "plain",
        "violation_weight", "noise", "noise_law",
    ):  # fmt: skip
        assert getattr(again, attribute) == getattr(model, attribute), attribute
    assert again.encoder.settings() == model.encoder.settings()
    assert [type(c) for c in again.constraints] == [type(c) for c in model.constraints]
    assert again.constants() == model.constants()
    assert again.residual_scale.kind == "log"
    assert torch.equal(again.residual_scale.sd, model.residual_scale.sd)
    assert torch.equal(again.residual_scale.offset, model.residual_scale.offset)


def test_settings_of_parts_come_back(tmp_path):
    model = MODELS["own"]()
    save_model(model, tmp_path)
    again = load_model(tmp_path, own)
    assert again.constraints[0].temperature == 0.25
    assert again.decoder is own
    save_model(respiration(), tmp_path)
    assert load_model(tmp_path).decoder.t_ref == 12.5


def test_a_model_that_was_never_compared_comes_back_so(tmp_path):
    save_model(respiration(), tmp_path)
    assert load_model(tmp_path).residual_scale is None


def test_masks_of_dropped_edges_and_odd_numbers_come_back(tmp_path):
    model = respiration()
    layer = model.encoder.spline_layers[0]
    layer.mask[1] = 0
    with torch.no_grad():
        layer.bias.fill_(math.pi * 1e-300)
    save_model(model, tmp_path)
    again = load_model(tmp_path).encoder.spline_layers[0]
    assert again.mask.flatten().tolist() == [1, 0, 1]
    assert again.bias.tolist() == [math.pi * 1e-300]


def test_the_files_are_plain_tensors_and_json_without_leftovers(tmp_path):
    save_model(respiration(), tmp_path)
    save_model(respiration(), tmp_path)  # over the first one
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.json",
        "model.safetensors",
    ]
    assert "constant_raw" in load_file(tmp_path / "model.safetensors")
    stored = json.loads((tmp_path / "model.json").read_text())
    assert stored["format"] == "sciren model 1"
    assert stored["latents"] == ["rb"]


def test_the_same_model_gives_the_same_files(tmp_path):
    for folder in ("one", "two"):
        save_model(respiration(), tmp_path / folder)
    for name in ("model.json", "model.safetensors"):
        one, two = ((tmp_path / k / name).read_bytes() for k in ("one", "two"))
        assert one == two


# -- what cannot be loaded ----------------------------------------------------------
def rewritten(folder, change, sealed=True):
    """Change the settings; with `sealed` their checksum too, as somebody else's file."""
    path = folder / "model.json"
    stored = json.loads(path.read_text())
    change(stored)
    if sealed:
        tensors = (folder / "model.safetensors").read_bytes()
        stored["checksum"] = checkpoint._checksum(stored, tensors)
    path.write_text(json.dumps(stored))


def setting(*keys, to):
    def change(stored):
        place = stored
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


ALTERED = [
    (setting("format", to="sciren model 9"), "is no model file of format"),
    (setting("constraints", to=[]), "cannot be rebuilt"),
    (
        setting("constraints", 0, "name", to="reluu"),
        "constraint 'reluu' does not exist",
    ),
    (setting("constraints", 0, "name", to="hard_sigmoid"), "needs both bounds"),
    (setting("constraints", 0, "name", to="sigmoid"), "cannot be rebuilt"),
    (setting("violation", to="much"), "cannot be rebuilt: .*could not convert"),
    (setting("violation", to=None), "cannot be rebuilt"),
    (setting("residual", to="cubic"), "stored residual 'cubic' is none of"),
    (setting("scaling", to="robust"), "stored scaling 'robust' is none of"),
    (setting("noise", to="pink"), "stored noise 'pink' is none of"),
    (setting("encoder", to=[]), "cannot be rebuilt"),
    (setting("encoder", "kind", to="cnn"), "encoder 'cnn' does not exist"),
    (setting("encoder", "kind", to=["kan"]), "cannot be rebuilt"),
    (setting("encoder", "settings", "n_inputs", to=2), "size mismatch"),
    (setting("encoder", "settings", "grid", to=["four"]), "cannot be rebuilt"),
    (setting("encoder", "settings", "grid", to=[-4]), "use at least one"),
    (setting("encoder", "settings", "color", to=1), "cannot be built"),
    (setting("decoder", "name", to="q11"), "no built-in decoder is called 'q11'"),
    (setting("decoder", "kind", to="own"), "pass decoder="),
    (setting("decoder", "settings", to={"t": 1}), "unexpected keyword"),
    (setting("decoder", "settings", to={"t_ref": "warm"}), "could not convert"),
    (setting("decoder", "settings", to=3), "cannot be rebuilt"),
    (setting("latents", to=None), "cannot be rebuilt"),
    (setting("latents", to=["rc"]), r"decoder 'q10' has latents \['rb'\]"),
    (
        setting("constants", to=[]),
        r"has constants \['q10'\], the stored model has \[\]",
    ),
    (setting("targets", to=["nee"]), r"has targets \['reco'\], the stored model"),
    (lambda stored: stored.pop("features"), "cannot be rebuilt: .*'features'"),
    (lambda stored: stored.pop("targets"), "cannot be rebuilt: .*'targets'"),
]


@pytest.mark.parametrize(("change", "message"), ALTERED)
def test_settings_that_make_no_model_are_refused(tmp_path, change, message):
    save_model(respiration(), tmp_path)
    rewritten(tmp_path, change)
    with pytest.raises(FormatError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        setting("decoder", "settings", "t_ref", to=15.0),
        setting("features", to=["x1", "x0", "x2"]),
        setting("violation", to=2.0),
        lambda stored: stored.pop("checksum"),
    ],
)
def test_settings_that_were_altered_are_noticed(tmp_path, change):
    save_model(respiration(), tmp_path)
    rewritten(tmp_path, change, sealed=False)
    with pytest.raises(FormatError, match="does not match its checksum: a file was"):
        load_model(tmp_path)


@pytest.mark.parametrize("position", [-1, -50, 700])
def test_a_flipped_bit_in_the_tensors_is_noticed(tmp_path, position):
    save_model(respiration(), tmp_path)
    path = tmp_path / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FormatError):
        load_model(tmp_path)


def test_files_of_two_models_are_not_mixed(tmp_path):
    save_model(respiration(), tmp_path / "one")
    save_model(shaken(respiration(), seed=5), tmp_path / "two")
    tensors = (tmp_path / "two" / "model.safetensors").read_bytes()
    (tmp_path / "one" / "model.safetensors").write_bytes(tensors)
    with pytest.raises(FormatError, match="two files belong to different models"):
        load_model(tmp_path / "one")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.json", None),
        ("model.safetensors", None),
        ("model.json", b""),
        ("model.json", b"{'format': 1}"),
        ("model.json", b"\xff\xfe\x00"),
        ("model.safetensors", b""),
        ("model.safetensors", b"not tensors at all, only text"),
    ],
)
def test_missing_empty_or_foreign_files_are_refused(tmp_path, name, content):
    save_model(respiration(), tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    where = re.escape(str(tmp_path))
    with pytest.raises(FormatError, match=f"model in {where} cannot be read"):
        load_model(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", '{"name": "something else"}'])
def test_other_json_files_are_no_models(tmp_path, content):
    save_model(respiration(), tmp_path)
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(
        FormatError, match="is no model file of format 'sciren model 1'"
    ):
        load_model(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FormatError, match="nowhere cannot be read"):
        load_model(tmp_path / "nowhere")


def test_a_process_model_of_your_own_must_be_given(tmp_path):
    save_model(MODELS["own"](), tmp_path)
    message = "uses the process model 'own' of your own, and loading runs no code"
    with pytest.raises(FormatError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("parameters", "targets", "message"),
    [
        ([Parameter("u", low=0, high=2)], ["y", "z"], r"has latents \['u'\]"),
        (
            [
                Parameter("u", low=0, high=2),
                Parameter("v", low=1),
                Parameter("k", kind="constant"),
                Parameter("n", low=0, kind="constant"),
            ],
            ["y", "z"],
            r"has constants \['k', 'n'\], the stored model has \['k', 'm'\]; give the",
        ),
        (
            list(own.parameters),
            ["z", "y"],
            r"has targets \['z', 'y'\], the stored model has \['y', 'z'\]",
        ),
    ],
)
def test_another_process_model_is_refused(tmp_path, parameters, targets, message):
    save_model(MODELS["own"](), tmp_path)
    other = process_model(parameters, ["t"], targets, name="other")(lambda p, f: {})
    with pytest.raises(FormatError, match=f"decoder 'other' {message}"):
        load_model(tmp_path, other)


def test_loading_runs_no_code(tmp_path):
    save_model(respiration(), tmp_path)
    harm = tmp_path / "harm.txt"
    text = f"__import__('pathlib').Path({str(harm)!r}).write_text('x')"
    for change in (
        setting("decoder", "name", to=text),
        setting("encoder", "kind", to=text),
        setting("encoder", "settings", "hidden", to=text),
    ):
        save_model(respiration(), tmp_path)
        rewritten(tmp_path, change)
        with pytest.raises(FormatError):
            load_model(tmp_path)
    assert not harm.exists()
