"""What decoders declare, return and refuse; the Q10 model."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.decoders import (
    FunctionDecoder,
    IdentityDecoder,
    Q10Respiration,
    decoder_named,
    process_model,
)
from sciren.errors import DecoderError
from sciren.parameters import Parameter

RB = Parameter("rb", low=0)


def decoder_of(function, targets=("y",), forcings=()):
    return FunctionDecoder(function, "mine", [RB], forcings, targets)


def evaluate(decoder, rows=3, forcings=None):
    return decoder.evaluate(torch.ones(rows, 1), torch.empty(0), forcings or {})


@given(st.floats(0, 10), st.floats(0.5, 5), st.floats(-30, 30), st.floats(-5, 25))
def test_ten_degrees_more_multiply_respiration_by_q10(rb, q10, ta, t_ref):
    decoder = Q10Respiration(t_ref)
    latents = torch.full((3, 1), rb, dtype=torch.float64)
    constants = torch.tensor([q10], dtype=torch.float64)
    warm = torch.tensor([ta, ta + 10, t_ref], dtype=torch.float64)
    cold, warmer, reference = decoder.evaluate(latents, constants, {"ta": warm})[:, 0]
    assert float(warmer) == pytest.approx(q10 * float(cold), rel=1e-9)
    assert float(reference) == pytest.approx(rb, rel=1e-12)


def test_q10_declares_its_unit_and_constant():
    decoder = Q10Respiration()
    assert decoder.target_units["reco"] == "umol m-2 s-1"
    assert decoder.latent_names == ("rb",)
    assert decoder.constant_names == ("q10",)
    assert decoder.parameters["q10"].initial == 1.5
    assert decoder.equation_latex() is None


def test_a_plain_function_becomes_a_decoder_that_still_reads_like_it():
    @process_model(
        parameters=[RB], forcings=["ta"], targets=["y"], target_units={"y": "K"}
    )
    def warmth(p, f, factor=2.0):
        """Twice the latent."""
        return factor * p.rb + 0 * f.ta

    assert warmth.name == "warmth"
    assert warmth.__doc__ == "Twice the latent."
    assert warmth.target_units == {"y": "K"}
    assert evaluate(warmth, forcings={"ta": torch.zeros(3)})[:, 0].tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("function", "targets", "column"),
    [
        (lambda p, f: 2.0, ("y",), 2.0),  # a number serves every row
        (lambda p, f: torch.tensor(3.0), ("y",), 3.0),
        (lambda p, f: [p.rb, 4 * p.rb], ("x", "y"), 4.0),
        (lambda p, f: {"y": 5 * p.rb, "x": p.rb, "more": 1}, ("x", "y"), 5.0),
    ],
)
def test_results_are_brought_into_the_declared_order(function, targets, column):
    found = evaluate(decoder_of(function, targets))
    assert found.shape == (3, len(targets))
    assert found[:, -1].tolist() == [column] * 3


@pytest.mark.parametrize(
    ("function", "targets", "message"),
    [
        (lambda p, f: p.rb[:2], ("y",), r"returned shape \(2,\) for 3 rows"),
        (lambda p, f: {"x": p.rb}, ("y",), "did not return target 'y'; it returned"),
        (lambda p, f: [p.rb], ("x", "y"), "returned 1 arrays for the targets x, y"),
    ],
)
def test_results_of_the_wrong_form_are_refused(function, targets, message):
    with pytest.raises(DecoderError, match=message):
        evaluate(decoder_of(function, targets))


def test_a_forcing_that_is_not_mapped_is_named():
    decoder = decoder_of(lambda p, f: p.rb * f.ta, forcings=["ta"])
    with pytest.raises(DecoderError, match=r"needs forcing 'ta'.*Closest names: tair"):
        evaluate(decoder, forcings={"tair": torch.zeros(3)})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ()}, "declares no targets"),
        ({"parameters": [Parameter("k", kind="constant")]}, "no latent parameter"),
        ({"forcings": ("ta", "ta")}, r"names \('ta', 'ta'\) with a repeat"),
        ({"targets": ("y", "y")}, "with a repeat"),
    ],
)
def test_declarations_are_checked(settings, message):
    declared = {"parameters": [RB], "forcings": (), "targets": ("y",)} | settings
    with pytest.raises(DecoderError, match=message):
        FunctionDecoder(lambda p, f: p.rb, "mine", **declared)


@pytest.mark.parametrize("function", [lambda p: p.rb, lambda p, f, g: p.rb])
def test_a_process_model_takes_parameters_and_forcings(function):
    with pytest.raises(DecoderError, match="must take two arguments"):
        decoder_of(function)


def test_plain_regression_returns_the_latents():
    decoder = IdentityDecoder(["a", "b"])
    latents = torch.rand(4, 2)
    assert torch.equal(decoder.evaluate(latents, torch.empty(0), {}), latents)
    assert all(math.isinf(p.low) and math.isinf(p.high) for p in decoder.parameters)


def test_columns_of_any_name_can_be_regressed():
    names = ["NEE (µmol m-2)", "class", "NEE µmol m-2", "2 m", "a", "%"]
    decoder = IdentityDecoder(names)
    assert decoder.targets == tuple(names)
    assert decoder.latent_names[4] == "a"
    assert all(name.isidentifier() for name in decoder.latent_names)
    latents = torch.rand(3, 6)
    assert torch.equal(decoder.evaluate(latents, torch.empty(0), {}), latents)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_one_array_may_hold_all_targets_as_columns(rows):
    decoder = decoder_of(lambda p, f: torch.stack((p.rb, 2 * p.rb), 1), ("x", "y"))
    rb = torch.rand(rows, 1)
    found = decoder.evaluate(rb, torch.empty(0), {})
    assert torch.equal(found, torch.cat((rb, 2 * rb), dim=1))


def test_an_unknown_built_in_is_answered_with_the_closest():
    with pytest.raises(DecoderError, match=r"called 'q1'\. Closest names: q10"):
        decoder_named("q1")
