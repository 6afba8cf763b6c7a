"""Names as symbols: what a reader of the paper expects, and never two alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ExpressionError
from symbolic.printing.symbols import GREEK, escape, latex_symbol, latex_symbols


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "x"),
        ("ta", r"\mathrm{ta}"),
        ("sw_pot", r"\mathrm{sw}_{\mathrm{pot}}"),
        ("swc_15cm", r"\mathrm{swc}_{\mathrm{15cm}}"),
        ("BIO1", r"\mathrm{BIO1}"),
        ("BIO1_mean", r"\mathrm{BIO1}_{\mathrm{mean}}"),
        ("q10", r"\mathrm{q10}"),
        ("alpha", r"\alpha"),
        ("Omega", r"\Omega"),
        ("pi", r"\mathrm{pi}"),
        ("x_1", "x_{1}"),
        ("k_alpha", r"k_{\alpha}"),
        ("f_rb_ta", r"f_{\mathrm{rb},\mathrm{ta}}"),
        ("tau_e", r"\tau_{\mathrm{e}}"),
        ("größe", r"\mathrm{\text{größe}}"),
        ("share %", r"\mathrm{\text{share \%}}"),
        ("T (°C)", r"\mathrm{\text{T (\textdegree{}C)}}"),
    ],
)
def test_names_become_symbols(name, text):
    assert latex_symbol(name) == text


names = st.from_regex(
    r"[A-Za-z][A-Za-z0-9]{0,3}(_[A-Za-z0-9]{1,3}){0,2}", fullmatch=True
)


@given(some=st.sets(st.one_of(names, st.sampled_from(sorted(GREEK))), max_size=8))
def test_different_names_have_different_symbols(some):
    assert len(set(latex_symbols(some).values())) == len(some)


def test_names_that_would_look_alike_are_counted():
    printed = latex_symbols(["\u00b5", "\u03bc", "mu x"])
    assert len(set(printed.values())) == 3
    assert printed["\u03bc"] == f"{{{printed[chr(0xB5)]}}}_{{(2)}}"


def test_symbols_that_collide_are_refused():
    with pytest.raises(ExpressionError, match="both printed as T"):
        latex_symbols(["ta", "ts"], {"ta": "T", "ts": "T"})


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & #1_a", r"50 \% \& \#1\_a"),
        ("{x}^2~$", r"\{x\}\textasciicircum{}2\textasciitilde{}\$"),
        ("a\\b", r"a\textbackslash{}b"),
        ("µmol m² °C", r"\textmu{}mol m\textsuperscript{2} \textdegree{}C"),
        ("漢", "u6F22"),
    ],
)
def test_text_is_escaped(text, escaped):
    assert escape(text) == escaped
