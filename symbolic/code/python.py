"""Equations as a Python module that needs numpy only; functions of arrays."""

import builtins
import keyword

from symbolic.code.expressions import FUNCTIONS, RELATIONS, CodeText, Dialect
from symbolic.code.layout import in_rows, signature
from symbolic.code.program import Program, Routine, Table

RESERVED = frozenset(
    [*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "np", "_on"]
)
FOLDED = False


def _power(base: str, exponent: str, whole: int | None) -> str:
    return f"np.power({base}, {exponent})"


DIALECT = Dialect(
    number=repr,
    functions={name: f"np.{name}" for name in FUNCTIONS} | {"step": "_step"},
    power=_power,
    choose=lambda condition, value, other: f"np.where({condition}, {value}, {other})",
    relations=RELATIONS,
    both="&",
    either="|",
    invert="~",
    truth=("np.False_", "np.True_"),
    larger="np.maximum",
    smaller="np.minimum",
    missing="np.nan",
)

_STEP = '''

def _step(x):
    """0 below zero, 1/2 at zero, 1 above."""
    return np.heaviside(x, 0.5)
'''


def write(program: Program) -> str:
    """Return the module as text."""
    head = "\n".join(_quoted(line) for line in program.header)
    parts = [f'"""{head}\n"""\n\nimport numpy as np\n']
    parts += [
        f"\n{item.identifier} = {item.value!r}  # {item.meaning}\n"
        for item in program.numbers
    ]
    body = program.functions(_table, _routine)
    if any("_step(" in text for text in body):
        parts.append(_STEP)
    return "".join([*parts, *body])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', "'")


def _routine(routine: Routine) -> str:
    lines = ["", "", signature(f"def {routine.identifier}(", routine, "):", "    ")]
    lines += [f'    """{_quoted(routine.summary)}.', "", "    Args:"]
    lines += [
        f"        {a.identifier}: {_quoted(a.meaning)}" for a in routine.arguments
    ]
    # "Args:" needs an entry
    lines += ['    """'] if routine.arguments else ["        none", '    """']
    lines += [
        # lists and pandas columns are taken as well
        f"    {a.identifier} = np.asarray({a.identifier}, dtype=float)"
        for a in routine.arguments
    ]
    lines += [
        f"    {value.identifier} = {value.function}({', '.join(value.arguments)})"
        for value in routine.locals
    ]
    lines.append(
        f"    return {CodeText(DIALECT, routine.names).text(routine.expression)}"
    )
    return "\n".join(lines) + "\n"


def _table(table: Table) -> str:
    name, (first, last) = table.identifier, table.curve.slopes
    knots = in_rows([repr(float(x)) for x in table.curve.x], "    ")
    # Each row is one cubic piece from the left knot, highest power first, for Horner's
    # scheme. Beyond the ends the curve goes on along its slope, as the spline does.
    rows = [f"    [{', '.join(repr(float(v)) for v in row)}]," for row in table.pieces]
    inside = "\n".join(rows)
    return f'''

def {name}(x):
    """{_quoted(table.meaning)}."""
    knots, pieces = _{name}_KNOTS, _{name}_PIECES
    held = np.clip(x, knots[0], knots[-1])
    k = np.clip(np.searchsorted(knots, held, side="right") - 1, 0, len(pieces) - 1)
    t = held - knots[k]
    value = ((pieces[k, 0] * t + pieces[k, 1]) * t + pieces[k, 2]) * t + pieces[k, 3]
    slope = np.where(x < knots[0], {float(first)!r}, {float(last)!r})
    return value + slope * (x - held)


_{name}_KNOTS = np.array([
{knots}
])
_{name}_PIECES = np.array([
{inside}
])
'''
