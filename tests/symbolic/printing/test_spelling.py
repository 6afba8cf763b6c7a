"""Names of any script in ASCII letters."""

from symbolic.printing.spelling import transliterated


def test_known_letters_are_spelled_out():
    assert transliterated("Höhe") == "Hohe"
    assert transliterated("θ_µ") == "theta_u"
    assert transliterated("Ω") in ("Omega", "Ohm")
    assert transliterated("温") == "u6E29"
