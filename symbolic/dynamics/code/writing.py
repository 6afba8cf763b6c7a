"""Source code of a recurrence in a language of the user's choice."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

from sciren.errors import ExpressionError
from symbolic.code.program import program_of
from symbolic.code.writing import writer_of
from symbolic.dynamics.code import c, fortran, julia, python, r
from symbolic.dynamics.code.step import step_code
from symbolic.dynamics.recurrence import Recurrence

if TYPE_CHECKING:
    from symbolic.model.record import EquationRecord

WRITERS: dict[str, ModuleType] = {
    "python": python, "c": c, "fortran": fortran, "julia": julia, "r": r,
}  # fmt: skip
"""Languages by name; each module writes the step and the run as text."""


def has_code(law: Recurrence) -> bool:
    """Whether a recurrence can be written as source code: all but implicit ODEs."""
    return law.time == "step" or law.solver != "implicit"


def recurrence_code(
    law: Recurrence,
    relations: "EquationRecord",
    language: str,
    provenance: Mapping[str, str] | None = None,
) -> str:
    """Return one source file: a function a latent, one step, and `run` for one group.

    `run` takes forcings over time and the parameters of a group, and gives the states
    (one more than rows) and the targets.

    Args:
        law: the recurrence.
        relations: latents as formulas of static features, and the constants.
        language: "python" (numpy), "c", "fortran", "julia" or "r".
        provenance: label -> text for the first comment, such as data hash and seed.
    Raises:
        ConfigError: another language.
        ExpressionError: the solver is implicit.
    """
    writer = writer_of(language)
    if not has_code(law):
        raise ExpressionError(
            "there is no source code of the implicit solver, whose stages are found by "
            "iteration; run the equations themselves (predict), or declare solver='rk4' "
            "where it is accurate enough"
        )
    program = program_of(
        relations, writer.RESERVED, writer.FOLDED, provenance, process_follows=True
    )
    step = step_code(
        law, relations.constants, writer.DIALECT, writer.RESERVED, writer.FOLDED
    )
    blocks = tuple(WRITERS[language].write(step))
    # the run knows the constants, and nothing else needs them
    return writer.write(replace(program, numbers=(), blocks=blocks, exported=("run",)))
