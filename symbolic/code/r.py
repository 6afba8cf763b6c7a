"""Equations as R: functions of vectors, base R only."""

from symbolic.code.expressions import FUNCTIONS, RELATIONS, CodeText, Dialect
from symbolic.code.layout import in_rows, one_line, signature
from symbolic.code.program import Program, Routine, Table

_KEYWORDS = """
if else repeat while function for next break in TRUE FALSE NULL Inf NaN NA T F
"""
_USED = """
abs c cos exp ifelse log sign sin sqrt t tan tanh pmax pmin matrix findInterval step x k
held slope knots pieces value pi q return length
"""
RESERVED = frozenset([*_KEYWORDS.split(), *_USED.split()])
FOLDED = False


def _power(base: str, exponent: str, whole: int | None) -> str:
    return f"(({base})^({exponent}))"


DIALECT = Dialect(
    number=repr,
    functions=FUNCTIONS | {"step": "step_"},
    power=_power,
    choose=lambda condition, value, other: f"ifelse({condition}, {value}, {other})",
    relations=RELATIONS,
    both="&",
    either="|",
    invert="!",
    truth=("FALSE", "TRUE"),
    larger="pmax",
    smaller="pmin",
    missing="NaN",
)


def write(program: Program) -> str:
    """Return the script as text."""
    parts = [f"# {one_line(line)}\n" for line in program.header]
    parts += [
        f"\n# {one_line(item.meaning)}\n{item.identifier} <- {item.value!r}\n"
        for item in program.numbers
    ]
    body = program.functions(_table, _routine)
    if any("step_(" in text for text in body):
        parts.append("\nstep_ <- function(x) (sign(x) + 1) / 2\n")
    return "".join([*parts, *body])


def _routine(routine: Routine) -> str:
    lines = ["", f"#' {one_line(routine.summary)}"]
    lines += [
        f"#' @param {a.identifier} {one_line(a.meaning)}" for a in routine.arguments
    ]
    lines.append(
        signature(f"{routine.identifier} <- function(", routine, ") {", "    ")
    )
    lines += [
        f"    {value.identifier} <- {value.function}({', '.join(value.arguments)})"
        for value in routine.locals
    ]
    text = CodeText(DIALECT, routine.names).text(routine.expression)
    return "\n".join([*lines, f"    {text}", "}", ""])


def _table(table: Table) -> str:
    knots = in_rows([repr(float(x)) for x in table.curve.x], "        ")
    flat = in_rows([repr(float(v)) for v in table.pieces.ravel()], "        ")
    first, last = map(float, table.curve.slopes)
    return f"""
# {one_line(table.meaning)}
{table.identifier} <- function(x) {{
    knots <- c(
{knots}
    )
    pieces <- matrix(c(
{flat}
    ), ncol = 4, byrow = TRUE)
    held <- pmin(pmax(x, knots[1]), knots[length(knots)])
    k <- findInterval(held, knots, all.inside = TRUE)
    p <- pieces[k, , drop = FALSE]
    t <- held - knots[k]
    slope <- ifelse(x < knots[1], {first!r}, {last!r})
    ((p[, 1] * t + p[, 2]) * t + p[, 3]) * t + p[, 4] + slope * (x - held)
}}
"""
