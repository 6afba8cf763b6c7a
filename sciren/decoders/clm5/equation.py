"""The soil carbon model as LaTeX: a matrix equation with the predicted parameters named."""

from collections.abc import Collection, Mapping

from sciren.decoders.clm5.parameters import NAMES


def symbol(name: str) -> str:
    """Write a parameter's name the way its own equation does."""
    if name == "beta":
        return r"\beta"
    if name == "w_scaling":
        return r"w_{\mathrm{scaling}}"
    return rf"\mathrm{{{name}}}"


def number(value: float) -> str:
    """Write a fixed value with four digits."""
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def matrix_equation(named: Collection[str], values: Mapping[str, float]) -> str:
    """Return the right side for soil organic carbon at depth d.

    Args:
        named: parameters written by name (predicted or learned).
        values: physical values of the others, written as numbers.
    """
    s = {n: symbol(n) if n in named else number(values[n]) for n in NAMES}
    rate = (
        rf"\overline{{{s['q10']}^{{(T_{{jm}} - 298.15)/10}} "
        rf"\min({s['w_scaling']}\, w_{{jm}}, 1)\, o_{{jm}}\, n_{{jm}}^{{[k \in L]}}}}"
        rf"\; \frac{{e^{{-z_j / {s['efolding']}}}}}{{365\, \tau_k}}"
    )
    taus = ", ".join(
        s[n]
        for n in ("taucwd", "taul1", "taul2", "taul2", "tau4s1", "tau4s2", "tau4s3")
    )
    share = (
        rf"\frac{{{s['beta']}^{{100 h_{{j-1}}}} - {s['beta']}^{{100 h_j}}}}"
        rf"{{1 - {s['beta']}^{{100 h_{{19}}}}}} \frac{{1}}{{\Delta z_j}}"
        r" \sum_m \frac{\mathrm{input}_{km}}{365}"
    )
    lines = [
        r"&\sum_{k \in S} Y_k(d), \quad"
        r" (\mathbf{V} - \mathbf{A}\, \mathrm{diag}(\mathbf{K}))\, \mathbf{Y} = \mathbf{I}",
        rf"&\mathbf{{V}} = {s['diffus']}\, \mathbf{{V}}_{{\mathrm{{bio}}}}"
        rf" + {s['cryo']}\, \mathbf{{V}}_{{\mathrm{{cryo}}}}"
        r" + \mathbf{V}_{\mathrm{floor}}",
        rf"&K_{{kj}} = {rate}",
        rf"&\tau = ({taus})",
        rf"&\mathbf{{A}} = {_transfers(s)}",
        rf"&I_{{kj}} = {share}",
    ]
    return r"\begin{aligned}[t] " + r" \\ ".join(lines) + r" \end{aligned}"


def _transfers(s: Mapping[str, str]) -> str:
    """The 7x7 transfer matrix, the same in every layer: to (row) from (column)."""
    o = "0"
    rows = [
        ["-1", o, o, o, o, o, o],
        [o, "-1", o, o, o, o, o],
        [s["fcwdl2"], o, "-1", o, o, o, o],
        [f"1 - {s['fcwdl2']}", o, o, "-1", o, o, o],
        [o, s["fl1s1"], s["fl2s1"], o, "-1", s["fs2s1"], s["fs3s1"]],
        [o, o, o, s["fl3s2"], s["fs1s2"], "-1", o],
        [o, o, o, o, s["fs1s3"], s["fs2s3"], "-1"],
    ]
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
