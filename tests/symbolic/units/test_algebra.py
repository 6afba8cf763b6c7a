"""Units are read, multiplied and compared as a reference library does."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import FormatError
from symbolic.units.algebra import NO_UNIT, Unit, parse_unit

TEXTS = [
    "umol m-2 s-1", "W/m2", "kg m^-2 yr^-1", "m**0.5", "W/(m2 K)", "1/s", "m3 m-3",
    "hPa", "J mol-1 K-1", "mm day-1", "m2/(W s)", "µmol m^-2 s^-1", "kPa-1",
    "mmol/m2/s", "ha-1", "dS/m", "g m^-3 / yr", "kg*m-3", "N m-1", "mbar", "ms", "min",
    "mol L-1", "mg l-1", "GJ h-1", "cm3 cm-3", "W m-2 K-4", "kcal d-1", "hl", "a",
    "m2/s/(kg m-1)",
]  # fmt: skip
SI = ("kg", "m", "s", "A", "K", "mol", "cd")


def pint_text(text):
    """Write a text as the reference library reads it: m-2 as m**-2, a blank as *."""
    import re

    text = text.replace("µ", "u").replace("/", " / ")
    text = re.sub(r"(?<=[A-Za-z])\^?(?:\*\*)?(-?\d+(?:\.\d+)?)", r"**\1", text)
    text = re.sub(r"(?<=[A-Za-z0-9)]) +(?=[A-Za-z(])", " * ", text)
    return text.replace("hl", "hectoliter").replace("kcal", "kilocalorie")


@pytest.mark.parametrize("text", TEXTS)
def test_factor_and_dimensions_are_those_of_a_reference_library(text):
    pint = pytest.importorskip("pint")
    registry = pint.UnitRegistry()
    expected = registry.Quantity(1.0, pint_text(text)).to_base_units()
    scale, dimensions = parse_unit(text).dimensions()
    assert math.isclose(scale, expected.magnitude * kilograms(expected), rel_tol=1e-12)
    names = {"kilogram": "kg", "gram": "kg", "meter": "m", "second": "s",
             "ampere": "A", "kelvin": "K", "mole": "mol"}  # fmt: skip
    found = {names[n]: Fraction(str(p)) for n, p in expected.unit_items()}
    assert dimensions == found


def kilograms(quantity):
    """Factor where the reference library counts in grams."""
    powers = dict(quantity.unit_items())
    return 1e-3 ** powers.get("gram", 0)


units = st.dictionaries(
    st.sampled_from(["m", "umol", "W", "degC", "kPa", "gC", "hours"]),
    st.integers(-3, 3).filter(bool).map(Fraction),
    max_size=4,
).map(Unit)


@given(units, units)
def test_multiplication_and_division_undo_each_other(one, other):
    assert (one * other / other).equals(one)
    assert (one / one).dimensionless
    assert ((one**2) ** Fraction(1, 2)).equals(one)


@given(units)
def test_what_is_written_reads_back(unit):
    assert parse_unit(str(unit)).powers == unit.powers


def test_units_are_equal_however_they_are_written():
    assert parse_unit("W m-2").equals(parse_unit("J s-1 m-2"))
    assert parse_unit("hPa").equals(parse_unit("mbar"))
    assert not parse_unit("hPa").equals(parse_unit("Pa"))
    assert not parse_unit("m").equals(parse_unit("s"))
    assert parse_unit("degC").equals(parse_unit("K"))


def test_carbon_is_not_dry_matter_and_newtons_are_no_nitrogen():
    assert parse_unit("gC m-2").equals(parse_unit("g C m-2"))
    assert parse_unit("1000 gC".removeprefix("1000 ")).equals(parse_unit("g C"))
    assert not parse_unit("gC m-2").equals(parse_unit("g m-2"))
    assert not parse_unit("gC").equals(parse_unit("gDM"))
    assert parse_unit("umolCO2 m-2 s-1").equals(parse_unit("umol CO2 m-2 s-1"))
    assert parse_unit("N m").equals(parse_unit("J"))


def test_a_word_that_nobody_knows_is_a_dimension_of_its_own():
    tree = parse_unit("trees ha-1")
    assert not tree.dimensionless
    assert (tree * parse_unit("ha")).equals(parse_unit("trees"))


@pytest.mark.parametrize("text", ["", *NO_UNIT])
def test_some_texts_say_that_there_is_no_unit(text):
    assert parse_unit(text).dimensionless


@pytest.mark.parametrize("text", ["m^^2", "kg (", "5 mm", "m)", "%%$", "m/(s"])
def test_what_is_no_unit_is_refused_with_an_example(text):
    with pytest.raises(FormatError, match="umol m-2 s-1"):
        parse_unit(text)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("[mm d-1]", "mm d-1"), ("deg C", "degC"), ("degrees_C", "degC"),
        ("degree_Celsius", "degC"),
        ("Celsius", "degC"), ("degrees Celsius", "degC"), ("deg_C", "degC"), ("° C", "degC"),
        ("℃", "degC"), ("m²", "m2"), ("W/m²", "W m-2"), ("m⁻²", "m-2"),
        ("µmol CO₂ m⁻² s⁻¹", "umolCO2 m-2 s-1"), ("t C ha−1", "tC ha-1"),
        ("W m^{-2}", "W m-2"), ("kgC", "kg C"), ("kgCO2", "kg CO2"), ("kgH2O", "kg H2O"),
        ("gN", "g N"), ("kg N ha-1 yr-1", "kgN ha-1 yr-1"), ("mg N kg-1", "mgN kg-1"),
        ("mgNO3 L-1", "mg NO3 l-1"), ("cmol(+)/kg", "cmolc kg-1"), ("degrees_north", "deg"),
        ("degrees", "°"), ("months", "month"), ("1 / day", "d-1"), ("W⋅m−2", "W m-2"),
        ("permil", "‰"), ("day of year", "doy"), ("DOY", "doy"),
    ],
)  # fmt: skip
def test_units_are_read_however_people_write_them(written, same):
    unit = parse_unit(written)
    assert unit.equals(parse_unit(same))
    assert parse_unit(str(unit)).powers == unit.powers


@pytest.mark.parametrize("amount", ["g", "mg", "kg", "t", "mol", "umol"])
@pytest.mark.parametrize("substance", ["C", "N", "CO2", "H2O", "S", "K", "P", "NO3"])
def test_a_substance_is_a_dimension_beside_its_mass_or_amount(amount, substance):
    for text in (f"{amount}{substance}", f"{amount} {substance}"):
        scale, dimensions = parse_unit(f"{text} m-2").dimensions()
        plain, base = parse_unit(f"{amount} m-2").dimensions()
        assert scale == pytest.approx(plain)
        assert dimensions == base | {f"of {substance}": 1}
    per_mass = parse_unit(f"{amount} {substance} kg-1") * parse_unit("kg")
    assert per_mass.equals(parse_unit(f"{amount}{substance}"))


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("N m-2", {"kg": 1, "m": -1, "s": -2}), ("J g-1 K-1", {"m": 2, "s": -2, "K": -1}),
        ("W m-2 K-4", {"kg": 1, "s": -3, "K": -4}), ("S m-1", {"kg": -1, "m": -3, "s": 3, "A": 2}),
        ("kg K-1", {"kg": 1, "K": -1}), ("m N", {"kg": 1, "m": 2, "s": -2}),
    ],
)  # fmt: skip
def test_newton_siemens_and_kelvin_stay_what_they_are(text, base):
    assert parse_unit(text).dimensions()[1] == base


def test_a_day_of_the_year_is_no_time_that_has_passed():
    day = parse_unit("day of year")
    assert not day.dimensionless
    assert not day.equals(parse_unit("d"))
    assert "s" not in day.dimensions()[1]
    assert parse_unit("hour of day").dimensions()[1].keys() == {"hourofday"}
