"""Equations as a Julia module of scalar functions; broadcast them over arrays."""

from dataclasses import replace

from symbolic.code.expressions import FUNCTIONS, SIGNS, CodeText, power_by
from symbolic.code.layout import called, in_rows, one_line, signature
from symbolic.code.program import Program, Routine, Table

_KEYWORDS = """
abstract baremodule begin break catch const continue do else elseif end export false
finally for function global if import in isa let local macro module mutable primitive
quote return struct true try type using where while outer public
"""
_USED = """
abs cos exp log sign sin sqrt tan tanh max min ifelse clamp float NaN Inf pi im power
root ln step x t k held slope knots pieces Real Float64 searchsortedlast isinteger Base
Core Main e eval include SciRenEquations
"""
RESERVED = frozenset([*_KEYWORDS.split(), *_USED.split()])
FOLDED = False

DIALECT = replace(
    SIGNS,
    functions=FUNCTIONS | {"log": "ln", "sqrt": "root"},
    power=power_by("power"),
    missing="NaN",
)

# Outside their domain Julia's own functions stop the program; these give NaN.
_HELPERS = {
    "ln": "ln(x) = x < 0 ? NaN : log(x)\n",
    "root": "root(x) = x < 0 ? NaN : sqrt(x)\n",
    "power": "power(x, y) = x < 0 && !isinteger(y) ? NaN : x^y\n",
    "step": "step(x) = isnan(x) ? x : (x < 0 ? 0.0 : (x > 0 ? 1.0 : 0.5))\n",
}


def write(program: Program) -> str:
    """Return the module as text."""
    parts = [f"# {one_line(line)}\n" for line in program.header]
    parts.append("module SciRenEquations\n\n")
    names = ", ".join(program.public)
    parts.append(f"export {names}\n")
    parts += [
        f"\n# {one_line(item.meaning)}\nconst {item.identifier} = {item.value!r}\n"
        for item in program.numbers
    ]
    # the body first: it tells which helpers are needed
    body = program.functions(_table, _routine)
    parts += [f"\n{text}" for text in called(_HELPERS, body)]
    return "".join([*parts, *body, "\nend\n"])


def _routine(routine: Routine) -> str:
    lines = ["", f"# {one_line(routine.summary)}"]
    lines += [f"#   {a.identifier}: {one_line(a.meaning)}" for a in routine.arguments]
    lines.append(
        signature(f"function {routine.identifier}(", routine, ")", "    ", "", "::Real")
    )
    # integers would make integer powers, and overflow
    lines += [f"    {a.identifier} = float({a.identifier})" for a in routine.arguments]
    lines += [
        f"    {value.identifier} = {value.function}({', '.join(value.arguments)})"
        for value in routine.locals
    ]
    text = CodeText(DIALECT, routine.names).text(routine.expression)
    return "\n".join([*lines, f"    return {text}", "end", ""])


def _table(table: Table) -> str:
    knots = in_rows([repr(float(x)) for x in table.curve.x], "    ")
    rows = [f"    ({', '.join(repr(float(v)) for v in row)})" for row in table.pieces]
    inside, (first, last) = ",\n".join(rows), map(float, table.curve.slopes)
    name = table.identifier
    return f"""
# {one_line(table.meaning)}
const _{name}_knots = [
{knots}
]
const _{name}_pieces = [
{inside}
]
function {name}(x)
    knots, pieces = _{name}_knots, _{name}_pieces
    held = clamp(x, knots[1], knots[end])
    k = clamp(searchsortedlast(knots, held), 1, length(pieces))
    p, t = pieces[k], held - knots[k]
    slope = x < knots[1] ? {first!r} : {last!r}
    return ((p[1] * t + p[2]) * t + p[3]) * t + p[4] + slope * (x - held)
end
"""
