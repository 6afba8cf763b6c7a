"""A quotient is printed for the series of its limit; a real threshold stays."""

import numpy as np
import pytest
import sympy

from sciren.decoders.registry import decoder_named
from symbolic.expression.evaluate import compile_numpy
from symbolic.expression.removable import with_quotient, with_quotients
from symbolic.expression.tracing import trace

x, t = sympy.symbols("x t", positive=True)


def near(lhs, small, series, otherwise):
    return sympy.Piecewise(
        (series, sympy.StrictLessThan(lhs, small)), (otherwise, True)
    )


@pytest.mark.parametrize(
    "name", ["first_order_pool", "pk_one_oral", "decay_chain", "icbm"]
)
def test_a_process_is_the_same_away_from_its_limits(name):
    process = trace(decoder_named(name), {})
    assert process is not None
    printed = with_quotients(process)
    assert any(printed[name] != process[name] for name in process)
    for target, expression in process.items():
        assert len(str(printed[target])) <= len(str(expression))
        names = sorted(map(str, expression.free_symbols))
        columns = np.random.default_rng(3).uniform(0.2, 3, (len(names), 50))
        exact, shown = (
            compile_numpy(e, names)(*columns) for e in (expression, printed[target])
        )
        np.testing.assert_allclose(shown, exact, rtol=1e-9)


def test_the_guard_of_a_denominator_goes_with_its_series():
    safe = near(abs(x), 0.001, 1, x)
    guarded = near(abs(x), 0.001, 1 - x / 2 + x**2 / 6, (1 - sympy.exp(-safe)) / safe)
    assert with_quotient(guarded * t) == t * (1 - sympy.exp(-x)) / x


@pytest.mark.parametrize(
    "kept",
    [
        near(x, 0.01, 0, x - 0.01),  # no melt below: continuous, but another line
        near(x, 0.01, 0, 1),
        near(x, 5, 1 - x, sympy.exp(-x)),  # not small
        near(x, 0.01, 1 + x, sympy.exp(x)),  # a series too short to be a limit
        sympy.Piecewise((x, x > 0.01), (0, True)),
        near(t, 0.001, sympy.log(-x), sympy.log(-x) + 1),  # no number to compare
        sympy.exp(x) * t,
    ],
)
def test_everything_else_stays(kept):
    assert with_quotient(kept) == kept
