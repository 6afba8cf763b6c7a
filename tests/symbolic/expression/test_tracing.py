"""Tracing a process model: the same function as an expression, or None."""

import numpy as np
import pytest
import scipy.special
import sympy
import torch

from sciren import Parameter, Q10Respiration, functions, process_model
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.tracing import trace
from symbolic.printing.text import to_text

RB, Q10 = Parameter("rb", low=0.0), Parameter("q10", low=0.0, kind="constant")
ROWS = 50


def values(decoder, traced, seed=0):
    """Targets by the decoder and by its traced expressions on random rows."""
    rng = np.random.default_rng(seed)
    names = (*decoder.latent_names, *decoder.constant_names, *decoder.forcings)
    drawn = {name: rng.uniform(0.5, 3.0, ROWS) for name in names}
    tensors = {name: torch.from_numpy(drawn[name]) for name in names}
    latents = torch.stack([tensors[name] for name in decoder.latent_names], 1)
    constants = [tensors[name] for name in decoder.constant_names]
    stacked = torch.stack(constants, 1) if constants else torch.empty(ROWS, 0)
    forcings = {name: tensors[name] for name in decoder.forcings}
    expected = decoder.evaluate(latents, stacked, forcings).numpy()
    found = [compile_numpy(e, names)(*drawn.values()) for e in traced.values()]
    return expected, np.stack(found, axis=1)


def plain(p, f):
    return p.rb * p.q10 ** ((f.ta - 15.0) / 10.0)


def with_functions(p, f):
    warm = functions.where(f.ta > 1.5, f.ta, 2 * f.ta)
    return functions.exp(-p.rb / 3) + p.q10 * functions.maximum(warm, 1.9)


def several(p, f):
    return {"reco": p.rb * f.ta, "nee": functions.sqrt(p.rb) - functions.log(p.q10)}


def as_list(p, f):
    return [p.rb + f.ta, functions.tanh(p.rb) + functions.absolute(p.q10 - 2)]


def constant_target(p, f):
    return {"reco": p.rb * f.ta, "nee": 2.5}


@pytest.mark.parametrize(
    "function", [plain, with_functions, several, as_list, constant_target]
)
def test_the_traced_expression_is_the_process_model(function):
    targets = ["reco"] if function in (plain, with_functions) else ["reco", "nee"]
    decoder = process_model([RB, Q10], forcings=["ta"], targets=targets)(function)
    traced = trace(decoder, {"ta": "ta"})
    assert list(traced) == targets
    expected, found = values(decoder, traced)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_forcings_are_printed_as_their_columns():
    traced = trace(Q10Respiration(), {"ta": "t_air"})
    assert {str(s) for s in traced["reco"].free_symbols} == {"rb", "q10", "t_air"}


def test_short_decimals_are_exact_and_differences_stay_together():
    traced = trace(Q10Respiration(t_ref=12.5), {"ta": "ta"})
    assert not traced["reco"].atoms(sympy.Float)
    assert to_text(traced["reco"]) == "rb*q10^((ta - 12.5)/10)"
    assert to_text(trace(Q10Respiration(), {})["reco"]) == "rb*q10^((ta - 15)/10)"


def test_long_decimals_stay_doubles():
    @process_model([RB], forcings=[], targets=["reco"])
    def scaled(p, f):
        return p.rb * 0.12345678901234

    assert trace(scaled, {})["reco"].atoms(sympy.Float) == {
        sympy.Float(0.12345678901234)
    }


def uses_torch(p, f):
    return torch.exp(p.rb) * f.ta


def uses_scipy(p, f):
    return scipy.special.gamma(p.rb) * f.ta


def uses_numpy(p, f):
    return np.exp(p.rb) * f.ta


def branches(p, f):
    return p.rb if f.ta > 3 else p.q10


def calls_a_method(p, f):
    return p.rb.clamp(0, 1)


def other_function(p, f):
    return sympy.erf(p.rb) if isinstance(p.rb, sympy.Basic) else torch.erf(p.rb)


def text(p, f):
    return "__import__('os').getcwd()" if isinstance(p.rb, sympy.Basic) else p.rb


def misses_a_target(p, f):
    return {"other": p.rb}


@pytest.mark.parametrize(
    "function",
    [
        uses_torch,
        uses_scipy,
        branches,
        calls_a_method,
        other_function,
        text,
        misses_a_target,
    ],
)
def test_what_symbols_cannot_pass_is_not_traced(function):
    decoder = process_model([RB, Q10], forcings=["ta"], targets=["reco"])(function)
    assert trace(decoder, {"ta": "ta"}) is None


def test_functions_of_numpy_are_traced_as_those_of_the_toolkit():
    decoder = process_model([RB, Q10], forcings=["ta"], targets=["reco"])(uses_numpy)
    traced = trace(decoder, {"ta": "ta"})
    assert traced is not None
    ta, rb = sympy.symbols("ta rb", real=True)
    assert traced["reco"] == ta * sympy.exp(rb)


@pytest.mark.parametrize("column", ["rb", "q10"])
def test_a_column_called_like_a_parameter_is_not_mixed_up_with_it(column):
    assert trace(Q10Respiration(), {"ta": column}) is None
