"""Names of any script in ASCII letters."""

import re
import unicodedata


def transliterated(text: str) -> str:
    """Return text in ASCII letters: accents dropped, Greek and others spelled out.

    ``Höhe -> Hohe``, ``θ -> theta``, ``µmol -> umol``, ``温度 -> u6E29u5EA6``.
    """
    return "".join(map(_ascii, text))


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    # the micro sign and the Greek letter look alike
    if character in "µμ":
        return "u"
    # letters taken apart from their accents
    plain = unicodedata.normalize("NFKD", character)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    if plain and plain.isascii():
        return plain
    greek = re.fullmatch(
        r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)(?: .*)?",
        unicodedata.name(character, ""),
    )
    if greek:
        # Unicode's own spelling of lambda
        name = {"LAMDA": "lambda"}.get(greek[2], greek[2].lower())
        return name if greek[1] == "SMALL" else name.capitalize()
    # a code is ugly, but never the same for two letters
    return f"u{ord(character):04X}" if character.isalnum() else "_"
