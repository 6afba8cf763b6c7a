"""Laws of printed numbers: digits asked for, digits that the error allows."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ConfigError
from symbolic.printing.numbers import (
    format_number,
    format_with_error,
    interval_digits,
    printed_value,
)

sizes = st.floats(1e-12, 1e12).flatmap(lambda v: st.sampled_from([v, -v]))


def read(text):
    return float(text.replace(r" \times 10^{", "e").replace("}", ""))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_full_precision_reads_back_to_the_same_double(value):
    for style in ("latex", "text"):
        assert read(format_number(value, None, style)) == value


@given(value=sizes, digits=st.integers(1, 12))
def test_a_rounded_number_is_the_nearest_with_these_digits(value, digits):
    text = format_number(value, digits)
    assert read(text) == printed_value(value, digits)
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    assert abs(read(text) - value) <= 0.5001 * step
    shown = re.sub(r" .*|[-.]", "", text).lstrip("0")
    plain_integer = "." not in text and "times" not in text
    assert len(shown) == digits or (plain_integer and len(shown) > digits)


@pytest.mark.parametrize(
    ("value", "digits", "latex", "text"),
    [
        (0.0042, 3, "0.00420", "0.00420"),
        (0.00042, 2, r"4.2 \times 10^{-4}", "4.2e-4"),
        (-12, 3, "-12.0", "-12.0"),
        (20, 2, "20", "20"),
        (1234, 3, "1230", "1230"),
        (9999.7, 3, r"1.00 \times 10^{4}", "1.00e4"),
        (0.99999, 3, "1.00", "1.00"),
        (0.0, 3, "0", "0"),
        (-0.0, None, "0.0", "0.0"),
        (1e-7, None, r"1 \times 10^{-7}", "1e-7"),
        (math.nan, 3, r"\text{n/a}", "n/a"),
        (-math.inf, 3, r"-\infty", "-inf"),
    ],
)
def test_numbers_look_as_in_a_paper(value, digits, latex, text):
    assert format_number(value, digits) == latex
    assert format_number(value, digits, "text") == text


def test_a_decimal_comma_is_set_without_a_gap():
    assert format_number(1.5, 2, decimal_comma=True) == "1{,}5"
    assert format_number(1.5, 2, "text", decimal_comma=True) == "1,5"


@pytest.mark.parametrize(
    ("value", "error", "pm", "parentheses", "siunitx"),
    [
        (0.1234, 0.0041, r"0.123 \pm 0.004", "0.123(4)", r"\num{0.123 +- 0.004}"),
        (0.1234, 0.0012, r"0.1234 \pm 0.0012", "0.1234(12)", r"\num{0.1234 +- 0.0012}"),
        (0.1234, 0.0096, r"0.123 \pm 0.010", "0.123(10)", r"\num{0.123 +- 0.010}"),
        (0.1234, 0.0196, r"0.123 \pm 0.020", "0.123(20)", r"\num{0.123 +- 0.020}"),
        (1234, 12, r"1234 \pm 12", "1234(12)", r"\num{1234 +- 12}"),
        (1234, 120, r"1230 \pm 120", "1230(120)", r"\num{1230 +- 120}"),
        (-2.5, 1.04, r"-2.5 \pm 1.0", "-2.5(1.0)", r"\num{-2.5 +- 1.0}"),
        (
            1.23e-4,
            4.4e-6,
            r"(1.23 \pm 0.04) \times 10^{-4}",
            r"1.23(4) \times 10^{-4}",
            r"\num{1.23 +- 0.04 e-4}",
        ),
        (1.5, 0.0, "1.50", "1.50", r"\num{1.50}"),
        (
            2.96311383549,
            2e-11,
            r"2.96311 \pm 2 \times 10^{-11}",
            r"2.96311 \pm 2 \times 10^{-11}",
            r"\num{2.96311}",
        ),
        (
            2.963114,
            2e-5,
            r"2.96311 \pm 0.00002",
            "2.96311(2)",
            r"\num{2.96311 +- 0.00002}",
        ),
    ],
)
def test_the_error_decides_the_digits(value, error, pm, parentheses, siunitx):
    assert format_with_error(value, error) == pm
    assert format_with_error(value, error, "parentheses") == parentheses
    assert format_with_error(value, error, "siunitx") == siunitx


@given(value=sizes, error=st.floats(1e-30, 1e9))
def test_no_more_than_six_digits_of_a_value_are_shown(value, error):
    shown = format_with_error(value, error).strip("()").split(r" \pm ")[0]
    digits = re.sub(r" .*|[-.]", "", shown).lstrip("0")
    assert len(digits) <= 6 or abs(value) >= 1e3


@given(value=sizes, share=st.floats(2e-5, 1e9))
def test_value_and_error_end_at_the_same_place(value, share):
    error = share * abs(value)
    text = format_with_error(value, error).strip("()").split(")")[0]
    shown, margin = text.split(r" \pm ")
    places = [len(part.partition(".")[2]) for part in (shown, margin)]
    assert places[0] == places[1]


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match="print at least one"):
        format_number(1.0, 0)
    with pytest.raises(ConfigError, match="use pm, text, parentheses or siunitx"):
        format_with_error(1.0, 0.1, "plusminus")


@given(st.floats(-1e6, 1e6), st.floats(1e-5, 1e3))
def test_the_ends_of_an_interval_print_differently(middle, share):
    width = share * max(abs(middle), 1e-3)  # six digits tell that much
    low, high = middle - width, middle + width
    digits = interval_digits(low, high)
    assert 3 <= digits <= 6
    assert format_number(low, digits) != format_number(high, digits)


def test_an_interval_without_width_or_end_prints_three_digits():
    assert interval_digits(1.5, 1.5) == 3
    assert interval_digits(0.0, float("inf")) == 3
