"""Units as they stand in tables of observations."""

import pytest

from symbolic.units.words import latex_unit, siunitx_unit


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("", ""),
        ("m", r"$\mathrm{m}$"),
        ("umol m-2 s-1", r"$\mathrm{\mu mol}\,\mathrm{m}^{-2}\,\mathrm{s}^{-1}$"),
        ("W/m2", r"$\mathrm{W}\,\mathrm{m}^{-2}$"),
        ("g m^-3 / yr", r"g m\textasciicircum{}-3 / yr"),
        ("m s^-1", r"$\mathrm{m}\,\mathrm{s}^{-1}$"),
        ("m/s", r"$\mathrm{m}\,\mathrm{s}^{-1}$"),
        ("degC", r"${}^{\circ}\mathrm{C}$"),
        ("%", r"$\%$"),
        ("kg C (soil)", "kg C (soil)"),
    ],
)
def test_units_are_upright_with_powers(unit, text):
    assert latex_unit(unit) == text


@pytest.mark.parametrize(
    ("written", "same"), [("W m⁻²", "W m-2"), ("deg C", "degC"), ("m²", "m2")]
)
def test_other_spellings_are_set_like_the_usual_one(written, same):
    assert latex_unit(written) == latex_unit(same)
    assert siunitx_unit(written) == siunitx_unit(same)
