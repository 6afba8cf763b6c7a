"""One contract for all row-wise decoders; a new one is named in one list."""

from types import SimpleNamespace

import numpy as np
import pytest
import sympy
import torch

from sciren.decoders import BUILT_IN, IdentityDecoder, decoder_named, process_model
from sciren.decoders.clm5 import draw_forcing
from sciren.functions import exp, maximum
from sciren.parameters import Parameter


@process_model(
    parameters=[
        Parameter("rate", 0, 5),
        Parameter("stress", 0, 1),
        Parameter("k", low=0, start=2.0, kind="constant"),
        Parameter("base", kind="constant"),
    ],
    forcings=["light", "dry"],
    targets=["uptake", "loss"],
)
def uptake_model(p, f):
    gross = p.rate * f.light / (p.k + f.light) * exp(-p.stress * f.dry)
    return {"loss": p.base + 0.1 * gross, "uptake": maximum(gross - 0.3, 0)}


ALL_DECODERS = [
    *(decoder_named(name) for name in sorted(BUILT_IN)),
    IdentityDecoder(["y1", "y2"]),
    uptake_model,
]
ROWWISE = [decoder for decoder in ALL_DECODERS if decoder.rowwise]
ROWS = 7


def sample(decoder, seed=0):
    """Latents inside their bounds, constants and forcings for ROWS rows."""
    generator = torch.Generator().manual_seed(seed)

    def draw(columns):
        return torch.rand(ROWS, columns, generator=generator, dtype=torch.float64)

    latents = draw(len(decoder.latent_names))
    for k, parameter in enumerate(decoder.parameters.latents):
        width = {"both": parameter.high - parameter.low}.get(parameter.bounded, 3.0)
        first = parameter.low if parameter.bounded in ("both", "low") else 0.0
        latents[:, k] = first + width * (0.1 + 0.8 * latents[:, k])
    constants = [p.initial for p in decoder.parameters.constants]
    forcings = {name: 0.2 + 2 * draw(1)[:, 0] for name in decoder.forcings}
    if "w_scalar" in decoder.forcings:  # profiles and months of a site
        forcings |= dict(draw_forcing(ROWS, seed).items())
    return latents, torch.tensor(constants, dtype=torch.float64), forcings


@pytest.mark.parametrize("decoder", ROWWISE, ids=lambda d: d.name)
class TestDecoderContract:
    def test_there_is_one_finite_number_a_row_and_target(self, decoder):
        found = decoder.evaluate(*sample(decoder))
        assert found.shape == (ROWS, len(decoder.targets))
        assert bool(torch.isfinite(found).all())

    def test_a_batch_equals_its_rows_one_by_one(self, decoder):
        latents, constants, forcings = sample(decoder)
        whole = decoder.evaluate(latents, constants, forcings)
        for row in range(ROWS):
            part = slice(row, row + 1)
            one = {name: value[part] for name, value in forcings.items()}
            alone = decoder.evaluate(latents[part], constants, one)
            torch.testing.assert_close(alone[0], whole[row], rtol=1e-13, atol=0)

    def test_constants_may_differ_from_row_to_row(self, decoder):
        latents, constants, forcings = sample(decoder)
        shared = decoder.evaluate(latents, constants, forcings)
        by_row = decoder.evaluate(latents, constants.expand(ROWS, -1), forcings)
        torch.testing.assert_close(by_row, shared, rtol=0, atol=0)

    def test_latents_and_constants_receive_finite_gradients(self, decoder):
        latents, constants, forcings = sample(decoder)
        leaves = [leaf.requires_grad_() for leaf in (latents, constants)]
        total = decoder.evaluate(latents, constants, forcings).sum()
        gradients = torch.autograd.grad(
            total, leaves, allow_unused=True, materialize_grads=True
        )
        assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
        assert bool((gradients[0] != 0).any(0).all()), "a latent has no effect"

    def test_gradients_agree_with_differences(self, decoder):
        latents, constants, forcings = sample(decoder)
        latents.requires_grad_()
        # a system of 140 pools rounds more than a formula: longer differences
        assert torch.autograd.gradcheck(
            lambda z: decoder.evaluate(z, constants, forcings),
            latents,
            eps=1e-5 if decoder.expensive else 1e-6,
        )

    def test_torch_numpy_and_sympy_give_the_same_numbers(self, decoder):
        if decoder.equation_latex() is not None:
            pytest.skip("prints an equation of its own, symbols do not pass through it")
        latents, constants, forcings = sample(decoder)
        expected = decoder.evaluate(latents, constants, forcings)
        p = dict(zip(decoder.latent_names, latents.numpy().T, strict=True))
        p |= dict(zip(decoder.constant_names, constants.numpy(), strict=True))
        f = {name: value.numpy() for name, value in forcings.items()}
        by_numpy = decoder(SimpleNamespace(**p), SimpleNamespace(**f))
        ps, fs = ({n: sympy.Symbol(n, real=True) for n in part} for part in (p, f))
        by_sympy = decoder(SimpleNamespace(**ps), SimpleNamespace(**fs))
        for k, target in enumerate(decoder.targets):
            many = isinstance(by_numpy, dict)
            column = by_numpy[target] if many else by_numpy
            np.testing.assert_allclose(column, expected[:, k], rtol=1e-12)
            formula = sympy.sympify(by_sympy[target] if many else by_sympy)
            for row in range(ROWS):
                numbers = {
                    ps[n]: float(np.broadcast_to(v, ROWS)[row]) for n, v in p.items()
                }
                numbers |= {fs[n]: float(v[row]) for n, v in f.items()}
                found = float(formula.subs(numbers))
                assert found == pytest.approx(float(expected[row, k]), rel=1e-12)

    def test_its_settings_rebuild_it(self, decoder):
        if decoder.name in BUILT_IN:
            again = decoder_named(decoder.name, **decoder.settings())
            data = sample(decoder)
            assert torch.equal(again.evaluate(*data), decoder.evaluate(*data))
