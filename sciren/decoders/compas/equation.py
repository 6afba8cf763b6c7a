"""COMPAS as LaTeX: a matrix equation, its rates and the fractions between pools."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from sciren.decoders.compas.pools import POOLS, Transfers


def matrix_equation(
    transfers: Callable[[Any], Transfers], names: Sequence[str], limited: Sequence[str]
) -> str:
    """Return the right side for carbon at depth d.

    Args:
        transfers: fractions of the variant.
        names: its parameters, which are written by name.
        limited: pools whose decay nitrogen limits.
    """
    import sympy

    symbols = {name: sympy.Symbol(name) for name in names}
    fractions = transfers(SimpleNamespace(**symbols))
    plain = {name: name.replace("_", r"\_") for name in names}
    written = {name: rf"\mathrm{{{text}}}" for name, text in plain.items()}
    printed = {symbols[name]: text for name, text in written.items()}
    table = [
        [1 if (donor, to) == ("cwd", "l2") else fractions.get((donor, to), 0)
         for donor in POOLS]
        for to in POOLS
    ]  # fmt: skip
    body = r" \\ ".join(
        " & ".join(
            "-1" if i == j else sympy.latex(value, symbol_names=printed)
            for j, value in enumerate(row)
        )
        for i, row in enumerate(table)
    )
    short_of = ", ".join(rf"\mathrm{{{pool}}}" for pool in limited)
    rate = (
        rf"\overline{{{written['q10']}^{{(T_{{jm}} - 298.15)/10}} "
        rf"\min({written['w_scaling']}\, w_{{jm}}, 1)\, o_{{jm}}\, "
        rf"n_{{jm}}^{{[k \in \{{{short_of}\}}]}}}}"
        rf"\; \frac{{e^{{-z_j / {written['efolding']}}}}}{{365\, \tau_k}}"
    )
    beta = r"\beta"
    share = (
        rf"\frac{{{beta}^{{100 h_{{j-1}}}} - {beta}^{{100 h_j}}}}{{1 - {beta}^{{100 h_{{19}}}}}}"
        r" \frac{1}{\Delta z_j} \sum_m \frac{\mathrm{input}_{km}}{365}"
    )
    lines = [
        r"&\sum_k Y_k(d), \quad"
        r" (\mathbf{V} - \mathbf{A}\, \mathrm{diag}(\mathbf{K}))\, \mathbf{Y} = \mathbf{I}",
        rf"&\mathbf{{V}} = {written['diffus']}\, \mathbf{{V}}_{{\mathrm{{bio}}}}"
        rf" + {written['cryo']}\, \mathbf{{V}}_{{\mathrm{{cryo}}}}",
        rf"&K_{{kj}} = {rate}",
        rf"&\mathbf{{A}} = \begin{{pmatrix}} {body} \end{{pmatrix}}",
        rf"&I_{{kj}} = {share}",
    ]
    return r"\begin{aligned}[t] " + r" \\ ".join(lines) + r" \end{aligned}"
