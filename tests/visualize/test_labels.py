"""Texts on pictures are short, keep their number and can be read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualize.labels import (
    count,
    digits_within,
    interval,
    number,
    percent,
    pretty_unit,
    scientific,
    score,
    shorten,
    unit_behind,
    with_error,
    with_unit,
)

PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("umol m-2 s-1", "µmol m⁻² s⁻¹"),
        ("degC", "°C"),
        ("degrees_C", "°C"),
        ("mol ° C-1", "mol °C⁻¹"),
        ("kPa^0.5", "kPa⁰·⁵"),
        ("W m^-2", "W m⁻²"),
        ("kg m**3", "kg m³"),
        ("g/m2", "g/m2"),
        ("%", "%"),
        ("1e-4 W m-2", "10⁻⁴ W m⁻²"),
        ("2.5e+03 g", "2.5·10³ g"),
        ("", ""),
        ("umol (CO2) s-1", "µmol (CO2) s⁻¹"),
    ],
)
def test_units_get_exponents_and_nothing_else_changes(unit, shown):
    assert pretty_unit(unit) == shown


def test_an_axis_without_a_unit_has_no_brackets():
    assert with_unit("rb", "") == "rb"
    assert with_unit("ta", "degC") == "ta (°C)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0075, "0.0075"),
        (-0.00375, "−0.00375"),
        (1.2345e-7, "1.23·10⁻⁷"),
        (123456.0, "1.23·10⁵"),
        (0.0, "0"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_numbers_keep_three_digits(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (1.5003, 0.0021, "1.500 ± 0.002"),
        (1.5003, 0.0141, "1.500 ± 0.014"),
        (-3.14159, 0.5, "−3.1 ± 0.5"),
        (1234.5, 321.0, "1200 ± 300"),
        (3.5e10, 2.5e10, "(4 ± 2)·10¹⁰"),
        (-5.21e-4, 4e-5, "(−5.2 ± 0.4)·10⁻⁴"),
        (1.5, math.nan, "1.5"),
        (1.5, 0.0, "1.5"),
        (math.nan, 0.1, "–"),
        (1.5, 1e-9, "1.50000 ± 1·10⁻⁹"),
        (2.96311383549, 2e-11, "2.96311 ± 2·10⁻¹¹"),
        (2.96311, 2e-5, "2.96311 ± 0.00002"),
    ],
)
def test_a_value_is_rounded_where_its_error_is(value, error, shown):
    assert with_error(value, error) == shown


@given(st.floats(-1e3, 1e3), st.floats(1e-4, 10.0))
def test_rounding_to_the_error_moves_a_value_less_than_the_error(value, error):
    text = with_error(value, error).replace("−", "-").translate(PLAIN)
    power = int(text.split(")·10")[1]) if ")·10" in text else 0
    printed = float(text.split(" ± ")[0].lstrip("(")) * 10.0**power
    assert abs(printed - value) <= max(0.6 * error, 6e-6 * abs(value))


@given(st.integers(0, 10**12))
def test_a_count_keeps_its_digits(many):
    assert count(many).replace("\u202f", "") == str(many)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1"), (0.97644, "0.9764"), (0.9, "0.9000"), (0.99994, "0.9999"),
        (0.999961, "0.99996"), (1 - 3e-9, "1 − 3·10⁻⁹"), (-0.5, "−0.5000"),
        (0.0, "0"), (-8.6e34, "−8.6·10³⁴"), (1 - 1e-14, "1"), (1 + 1e-15, "1"), (-1e-15, "0"),
        (float("nan"), "–"),
    ],
)  # fmt: skip
def test_scores_near_one_keep_what_they_lack(value, shown):
    assert score(value) == shown


@given(st.floats(1e-11, 1))
def test_only_a_perfect_score_is_printed_as_one(lacking):
    assert score(1 - lacking) != "1"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.358, "36 %"),
        (0.004, "<1 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.997, ">99 %"),
        (math.nan, "–"),
    ],
)
def test_shares_are_whole_percentages(share, shown):
    assert percent(share) == shown


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_shortened_text_fits_and_keeps_both_ends(text, most):
    short = shorten(text, most)
    assert len(short) <= most
    assert short[:1] == text[:1]
    assert (short == text) == (len(text) <= most) or "…" in text


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (1.50021, 1.50694, "1.5002 to 1.5069"),
        (-0.5, 0.25, "−0.50 to 0.25"),
        (118.4, 342.6, "118 to 343"),
        (1e-9, 3e-9, "1·10⁻⁹ to 3·10⁻⁹"),
        (-math.inf, 2.0, "−inf to 2"),
    ],
)
def test_ends_of_an_interval_show_their_distance(low, high, shown):
    assert interval(low, high) == shown


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(1988, 1990, 5), (0, 30, 3), (-680, 701, 3), (5, 5, 3), (293.1, 303.1, 4)],
)
def test_values_of_a_narrow_range_are_told_apart(low, high, digits):
    assert digits_within(low, high) == digits


@pytest.mark.parametrize(
    ("unit", "shown"), [("", ""), ("1", ""), ("dimensionless", ""), ("m-2", " m⁻²")]
)
def test_a_number_without_a_unit_stands_alone(unit, shown):
    assert unit_behind(unit) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(1e-4, "10⁻⁴"), (2e-5, "2·10⁻⁵"), (1.0, "10⁰"), (5e6, "5·10⁶")]
)
def test_a_power_of_ten_stands_without_a_factor_of_one(value, shown):
    assert scientific(value) == shown
