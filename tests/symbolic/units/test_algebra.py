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
