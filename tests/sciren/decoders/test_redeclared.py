"""Declarations change, the equations do not."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch

from sciren.decoders import Q10Respiration, decoder_named, process_model, redeclare
from sciren.errors import DecoderError, ParameterError
from sciren.parameters import Parameter
from sciren.processes import lloyd_taylor, nee_lasslop
from sciren.states import State

ROWS = 5


def run(decoder, **values):
    """Evaluate at the given values of all learned parameters, at five temperatures."""
    latents = torch.full((ROWS, len(decoder.latent_names)), 0.0, dtype=torch.float64)
    for k, name in enumerate(decoder.latent_names):
        latents[:, k] = values[name]
    constants = torch.tensor(
        [values[n] for n in decoder.constant_names], dtype=torch.float64
    )
    light = torch.linspace(0, 800, ROWS, dtype=torch.float64)
    known = {"ta": light / 40, "rg": light, "vpd": light / 40}
    forcings = {name: known[name] for name in decoder.forcings}
    return decoder.evaluate(latents, constants, forcings)


@pytest.mark.parametrize(
    "change", [200, 200.0, {"value": 200}, {"kind": "fixed", "start": 200}]
)
def test_a_fixed_parameter_is_a_number_and_not_learned(change):
    fixed = redeclare(lloyd_taylor, {"e0": change})
    assert (fixed.latent_names, fixed.constant_names) == (("rb",), ())
    assert fixed.parameters.fixed["e0"] == 200
    assert torch.equal(run(fixed, rb=2.0), run(lloyd_taylor, rb=2.0, e0=200.0))


def test_a_constant_becomes_a_latent_and_back():
    latent = redeclare(lloyd_taylor, {"e0": "latent", "rb": {"high": 30}})
    assert latent.latent_names == ("rb", "e0")
    assert latent.parameters["rb"].high == 30
    assert torch.equal(run(latent, rb=2.0, e0=90.0), run(lloyd_taylor, rb=2.0, e0=90.0))
    assert redeclare(latent, {"e0": "constant"}).constant_names == ("e0",)


def test_a_class_can_be_declared_anew_as_well():
    fixed = redeclare(Q10Respiration(t_ref=10), {"q10": 2})
    assert torch.equal(
        run(fixed, rb=3.0), run(Q10Respiration(t_ref=10), rb=3.0, q10=2.0)
    )
    again = decoder_named("q10", **fixed.settings())
    assert torch.equal(run(again, rb=3.0), run(fixed, rb=3.0))


def test_outputs_that_nobody_observed_are_left_out():
    alone = redeclare(nee_lasslop, targets=["nee"])
    values = {p.name: p.initial for p in nee_lasslop.parameters}
    assert torch.equal(run(alone, **values), run(nee_lasslop, **values)[:, :1])
    assert alone.settings() == {"targets": ["nee"]}


def test_it_is_stored_copied_and_pickled_as_what_was_changed():
    fixed = redeclare(lloyd_taylor, {"e0": {"value": 200}})
    assert (
        decoder_named("lloyd_taylor", **fixed.settings()).settings() == fixed.settings()
    )
    assert pickle.loads(pickle.dumps(fixed)).settings() == fixed.settings()
    assert copy.deepcopy(fixed) is fixed
    assert redeclare(lloyd_taylor) is lloyd_taylor


def test_a_start_that_no_longer_fits_is_forgotten():
    narrow = redeclare(lloyd_taylor, {"e0": {"low": 200, "high": 300}})
    assert narrow.parameters["e0"].initial == 250


@pytest.mark.parametrize(
    ("parameters", "targets", "error", "message"),
    [
        ({"e1": 200}, None, DecoderError, "has no parameter 'e1'. Closest names: e0"),
        (
            {"e0": {"lower": 1}},
            None,
            ParameterError,
            "has no 'lower'. Closest names: low",
        ),
        ({"e0": True}, None, ParameterError, "cannot become True; write a number"),
        ({"e0": "latnt"}, None, ParameterError, "use 'latent', 'constant' or 'fixed'"),
        ({"rb": 2}, None, DecoderError, "declares no latent parameter"),
        (None, ["gpp"], DecoderError, "has no target 'gpp'"),
    ],
)
def test_what_cannot_be_declared_is_refused(parameters, targets, error, message):
    with pytest.raises(error, match=message):
        redeclare(lloyd_taylor, parameters, targets)


@process_model(
    parameters=[
        Parameter("k", 0.01, 0.9, per="group", unit="d-1"),
        Parameter("share", 0, 1, kind="fixed", start=0.5),
    ],
    state=[State("store", start=10, unit="mm")],
    forcings=["rain"],
    targets=["q"],
)
def bucket(s, p, f):
    q = p.k * s.store
    return {"store": s.store + p.share * f.rain - q}, {"q": q}


def test_a_model_with_states_can_be_declared_anew():
    constant = redeclare(bucket, {"k": {"low": 0.1}, "share": "latent"})
    assert constant.latent_names == ("k", "share")
    s, f = SimpleNamespace(store=10.0), SimpleNamespace(rain=4.0)
    stored, out = constant.called(s, SimpleNamespace(k=0.2, share=1.0), f)
    assert (stored["store"], out["q"]) == (12.0, 2.0)
    stored, _ = bucket.called(s, SimpleNamespace(k=0.2), f)
    assert stored["store"] == 10.0
    again = pickle.loads(pickle.dumps(constant))
    assert again.settings() == constant.settings()
    with pytest.raises(DecoderError, match="give a column for each"):
        redeclare(bucket, targets=[])
