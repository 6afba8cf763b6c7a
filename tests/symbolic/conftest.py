"""Random formulas of the whitelist, for the laws of trees, printers and evaluators."""

import pytest
import sympy
from hypothesis import strategies as st
from sympy.functions.elementary.piecewise import ExprCondPair

from sciren.errors import ExpressionError
from symbolic.expression.nodes import kind_of

NAMES = ("x", "sw_pot", "ta", "BIO1", "q10", "alpha", "swc_15cm")
SYMBOLS = [sympy.Symbol(name, real=True) for name in NAMES]
RELATIONS = (sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge)


def allowed(expression):
    try:
        for node in sympy.preorder_traversal(expression):
            if not isinstance(node, (sympy.Tuple, ExprCondPair)):
                kind_of(node)
            if isinstance(node, sympy.Float) and not 1e-300 < abs(float(node)) < 1e300:
                return False
    except ExpressionError:
        return False
    return True


def build_formulas():
    """Return a strategy of evaluated sympy formulas."""
    sizes = st.floats(1e-7, 1e7, allow_subnormal=False)
    floats = sizes.flatmap(lambda v: st.sampled_from([v, -v])).map(sympy.Float)
    fractions = st.tuples(st.integers(-9, 9), st.integers(1, 9))
    leaves = st.one_of(
        st.sampled_from(SYMBOLS),
        st.sampled_from(SYMBOLS),
        floats,
        st.integers(-30, 30).map(sympy.Integer),
        fractions.map(lambda pq: sympy.Rational(*pq)),
    )

    def extend(anything):
        inner = anything.filter(allowed)
        pair = st.tuples(inner, inner)
        condition = st.tuples(
            st.sampled_from(RELATIONS), st.sampled_from(SYMBOLS), floats
        )
        return st.one_of(
            st.lists(inner, min_size=2, max_size=4).map(lambda v: sympy.Add(*v)),
            st.lists(inner, min_size=2, max_size=3).map(lambda v: sympy.Mul(*v)),
            st.tuples(inner, st.sampled_from([-2, -1, 2, 3, sympy.Rational(1, 2)])).map(
                lambda v: sympy.Pow(*v)
            ),
            st.tuples(inner, floats).map(
                lambda v: sympy.Pow(sympy.Abs(v[0]) + 1, v[1])
            ),
            st.tuples(
                st.sampled_from(
                    [sympy.exp, sympy.Abs, sympy.sin, sympy.cos, sympy.tanh]
                ),
                inner,
            ).map(lambda v: v[0](v[1])),
            inner.map(lambda v: sympy.log(sympy.Abs(v) + 1)),
            pair.map(lambda v: sympy.Max(*v)),
            pair.map(lambda v: sympy.Min(*v)),
            inner.map(sympy.Function("f_rb_ta")),
            st.tuples(condition, pair).map(
                lambda v: sympy.Piecewise(
                    (v[1][0], v[0][0](*v[0][1:])), (v[1][1], True)
                )
            ),
        )

    return st.recursive(leaves, extend, max_leaves=8).filter(allowed)


@pytest.fixture(scope="session")
def formulas():
    return build_formulas()
