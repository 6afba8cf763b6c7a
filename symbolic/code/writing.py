"""Source code of equations in a language of the user's choice."""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from sciren.errors import ConfigError, closest_names
from symbolic.code import c, fortran, julia, python, r
from symbolic.code.program import program_of

if TYPE_CHECKING:
    from symbolic.model.record import EquationRecord

LANGUAGES: dict[str, ModuleType] = {
    "python": python,
    "c": c,
    "fortran": fortran,
    "julia": julia,
    "r": r,
}
"""Languages by name; each module has RESERVED, FOLDED and write."""

SUFFIXES = {"python": ".py", "c": ".c", "fortran": ".f90", "julia": ".jl", "r": ".R"}
"""File endings of the languages."""


def to_code(
    model: "EquationRecord",
    language: str,
    provenance: Mapping[str, str] | None = None,
) -> str:
    """Return one source file: a function for every latent, and for every target.

    Functions of latents take the feature columns that they use and stay inside their
    bounds; functions of targets take features and forcings and call those of the
    latents. Constants are at full precision, those of the process model have a name.
    Edges without closed form are written as tables. A value outside the domain is not a
    number, and a missing value stays missing. Names that the language does not allow are
    changed; a comment names the column of every argument with its unit and range.

    Args:
        model: equations.
        language: "python" (numpy), "c", "fortran", "julia" or "r".
        provenance: label -> text for the first comment, such as data hash and seed.
    Raises:
        ConfigError: another language.
    """
    writer = writer_of(language)
    program = program_of(model, writer.RESERVED, writer.FOLDED, provenance)
    return writer.write(program)


def writer_of(language: str) -> ModuleType:
    """Return the module of a language.

    Raises:
        ConfigError: another language.
    """
    if language not in LANGUAGES:
        raise ConfigError(
            f"there is no code for language {language!r}. "
            f"{closest_names(language, LANGUAGES)}"
        )
    return LANGUAGES[language]
