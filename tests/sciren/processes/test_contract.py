"""One contract for the whole shelf: a process model is tested because it is there."""

import functools
import itertools
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
import torch

from sciren.decoders import decoder_named
from sciren.decoders.step_view import StepView
from sciren.processes import SHELF
from symbolic.expression.tracing import trace
from symbolic.units.algebra import parse_unit
from symbolic.units.inference import Inference

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data/process_vectors.json").read_text(
        encoding="utf-8"
    )
)
ROWS = 24
ROWWISE = {name: model for name, model in SHELF.items() if model.rowwise}
# a step of a model with states is a row-wise process with the states as inputs
MODELS = ROWWISE | {
    name: StepView(model) for name, model in SHELF.items() if not model.rowwise
}
FAR = 100.0  # stands for an infinite bound


def limits(declared):
    low = declared.low if np.isfinite(declared.low) else -FAR
    if getattr(declared, "kind", "") == "constant" and low == 0 and declared.high > FAR:
        low = 1 / FAR  # learned in logs, so never 0
    return low, declared.high if np.isfinite(declared.high) else low + FAR


def sample(decoder, rows=ROWS, seed=0):
    """Latents, constants and forcings over their whole ranges, corners first."""
    generator = np.random.default_rng(seed)

    def column(declared, place):
        low, high = limits(declared)
        share = generator.uniform(size=rows)
        share[:4] = np.array([0, 0, 1, 1] if place % 2 else [0, 1, 0, 1])
        # positive quantities over all their orders of magnitude
        values = low + (high - low) * share
        if low > 0 and high / low > 100:
            values = low * (high / low) ** share
        return torch.tensor(values, dtype=torch.float64)

    table = decoder.parameters
    latents = torch.stack([column(p, k) for k, p in enumerate(table.latents)], 1)
    constants = [column(p, k + 1) for k, p in enumerate(table.constants)]
    shared = torch.stack(constants, 1) if constants else latents[:, :0]
    forcings = {f.name: column(f, k) for k, f in enumerate(decoder.forcing_table)}
    return latents, shared, forcings


def outputs(decoder, values, forcings):
    count = len(decoder.parameters.latents)
    return decoder.evaluate(values[:, :count], values[:, count:], forcings)


def one_sided(decoder, values, steps, forcings):
    """Outputs (P, rows, m) ahead of and behind every parameter, all in one batch."""
    rows, count = values.shape
    moves = torch.eye(count, dtype=values.dtype)[:, None] * steps
    both = torch.cat([values + moves, values - moves]).reshape(-1, count)
    tiled = {name: column.repeat(2 * count) for name, column in forcings.items()}
    with torch.no_grad():
        found = outputs(decoder, both, tiled)
    return found.reshape(2, count, rows, -1)


@functools.cache
def formulas(name):
    """Targets as formulas in which fixed parameters are symbols, so that their units count."""
    return trace(Unfixed(MODELS[name]), {})


@pytest.mark.parametrize("name", MODELS)
class TestShelf:
    def test_values_are_finite_over_the_whole_range(self, name):
        decoder = MODELS[name]
        found = decoder.evaluate(*sample(decoder, rows=400))
        assert bool(torch.isfinite(found).all()), torch.nonzero(~torch.isfinite(found))

    def test_gradients_are_finite_and_agree_with_differences(self, name):
        decoder = MODELS[name]
        latents, constants, forcings = sample(decoder)
        values = torch.cat([latents, constants], 1).requires_grad_()
        # squaring a matrix of rates times time up to 1e4 costs torch so many digits
        near, length = (1e-3, 1e-4) if decoder.equation_latex() else (1e-5, 1e-6)
        steps = length * values.detach().abs().clamp(min=1e-9)
        result = outputs(decoder, values, forcings)
        here = result.detach()
        ahead, back = one_sided(decoder, values.detach(), steps, forcings)
        ahead, back = (
            (ahead - here) / steps.T[..., None],
            (here - back) / steps.T[..., None],
        )
        # nothing has to be defined below a bound
        learned = (*decoder.parameters.latents, *decoder.parameters.constants)
        low = torch.tensor([declared.low for declared in learned])
        back = torch.where((values.detach() > low).T[..., None], back, ahead)
        # sums and matrices round relative to their parts, which may be far larger than
        # the result
        size = 1e-15 * (here.abs() + 1e-3 * here.abs().amax(0))
        # on a kink the slope lies between those of the two sides
        slack = near * (ahead.abs() + back.abs()) / 2 + 200 * size / steps.T[..., None]
        low, high = torch.minimum(ahead, back), torch.maximum(ahead, back)
        for k, target in enumerate(decoder.targets):
            (slope,) = torch.autograd.grad(
                result[:, k].sum(), values, retain_graph=True
            )
            assert bool(torch.isfinite(slope).all()), target
            least, most = (low - slack)[..., k] - 1e-12, (high + slack)[..., k] + 1e-12
            found = slope.transpose(0, 1)
            inside = (found >= least) & (found <= most)
            assert bool(inside.all()), (target, torch.nonzero(~inside))

    def test_a_batch_equals_its_rows(self, name):
        decoder = MODELS[name]
        latents, constants, forcings = sample(decoder)
        whole = decoder.evaluate(latents, constants, forcings)
        for row in range(0, ROWS, 5):
            part = slice(row, row + 1)
            alone = {n: value[part] for n, value in forcings.items()}
            single = decoder.evaluate(latents[part], constants[part], alone)
            torch.testing.assert_close(single[0], whole[row], rtol=1e-12, atol=1e-300)

    def test_the_symbolic_form_equals_torch(self, name):
        decoder = MODELS[name]
        if decoder.equation_latex():
            pytest.skip("is printed as an equation of matrices")
        traced = formulas(name)
        assert traced is not None, "cannot be traced with symbols"
        latents, constants, forcings = sample(decoder)
        expected = decoder.evaluate(latents, constants, forcings)
        fixed = {
            n: torch.tensor(v, dtype=torch.float64)
            for n, v in decoder.parameters.fixed.items()
        }
        names = (*decoder.latent_names, *decoder.constant_names, *fixed, *forcings)
        columns = [*latents.T, *constants.T, *fixed.values(), *forcings.values()]
        symbols = [sympy.Symbol(n, real=True) for n in names]
        wanted = [traced[target] for target in decoder.targets]
        together = sympy.lambdify(symbols, wanted, "numpy", cse=True)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = together(*(c.numpy() for c in columns))
        for k, values in enumerate(found):
            np.testing.assert_allclose(
                np.broadcast_to(values, ROWS), expected[:, k], rtol=1e-10, atol=1e-13
            )

    def test_units_are_consistent(self, name):
        decoder = MODELS[name]
        declared = [*decoder.parameters, *decoder.forcing_table]
        units = {one.name: parse_unit(one.unit) for one in declared if one.unit}
        traced = formulas(name) or {}
        inference = Inference(units)
        for target, formula in traced.items():
            unit = decoder.target_units.get(target)
            if unit:
                inference.require(formula, parse_unit(unit), target)
        assert not inference.problems

    def test_bounds_and_starts_can_be_used(self, name):
        decoder = MODELS[name]
        for declared in (*decoder.parameters, *decoder.forcing_table):
            assert declared.meaning, declared.name
            assert declared.low < declared.high
        for parameter in decoder.parameters.constants:
            assert parameter.start is not None
        for parameter in decoder.parameters:
            assert parameter.low <= parameter.initial <= parameter.high

    def test_the_docstring_says_what_a_user_needs(self, name):
        text = SHELF[name].__doc__ or ""
        for part in ("Identifiability:", "Reference:"):
            assert part in text
        formulas = [line for line in text.splitlines() if line.startswith("        ")]
        assert formulas, "no indented formula"


@pytest.mark.parametrize("name", ROWWISE)
class TestRowwiseModels:
    def test_reference_values_come_out(self, name):
        decoder = decoder_named(name)
        rows = VECTORS[name]
        for row in rows:
            known = {
                p.name: torch.tensor([float(p.initial)]) for p in decoder.parameters
            }
            given = {
                n: torch.tensor([v], dtype=torch.float64) for n, v in row["p"].items()
            }
            forcings = {
                n: torch.tensor([v], dtype=torch.float64) for n, v in row["f"].items()
            }
            result = decoder(
                SimpleNamespace(**(known | given)), SimpleNamespace(**forcings)
            )
            if not isinstance(result, dict):
                result = {decoder.targets[0]: result}
            for target, expected in row["out"].items():
                found = float(result[target])
                assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), (
                    row,
                    target,
                )

    def test_every_parameter_can_be_declared_anew(self, name):
        decoder = MODELS[name]
        latents, constants, forcings = sample(decoder)
        before = decoder.evaluate(latents[:1], constants[:1], first(forcings))
        values = dict(
            zip(
                (*decoder.latent_names, *decoder.constant_names),
                (*latents[0], *constants[0]),
                strict=True,
            )
        )
        kept = decoder.latent_names[0]
        fixed = {n: float(v) for n, v in values.items() if n != kept}
        again = decoder_named(name, parameters=fixed)
        after = again.evaluate(latents[:1, :1], constants[0, :0], first(forcings))
        torch.testing.assert_close(after, before, rtol=1e-12, atol=0)


def first(forcings):
    return {name: value[:1] for name, value in forcings.items()}


class Unfixed:
    """Take fixed parameters as symbols, so that their units count."""

    def __init__(self, decoder):
        self.decoder = decoder
        self.latent_names = tuple(p.name for p in decoder.parameters)
        self.constant_names = ()
        self.forcings, self.targets = decoder.forcings, decoder.targets

    def __call__(self, p, f):
        return self.decoder(p, f)


def test_every_model_of_the_shelf_has_reference_values():
    assert set(ROWWISE) <= set(VECTORS)
    rows = itertools.chain.from_iterable(VECTORS[name] for name in ROWWISE)
    assert all(row["out"] for row in rows)
