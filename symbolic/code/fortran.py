"""Equations as a Fortran 2003 module of elemental functions in double precision."""

import re

from symbolic.code.expressions import FUNCTIONS, RELATIONS, CodeText, Dialect
from symbolic.code.layout import called, in_rows
from symbolic.code.program import Program, Routine, Table

_KEYWORDS = """
allocate allocatable assign backspace block call case character class close common
complex contains continue cycle data deallocate default dimension do double elemental
else elseif elsewhere end endif entry equivalence exit external format function goto if
implicit in include inquire inout integer intent interface intrinsic kind len logical
module namelist none nullify only open operator optional out parameter pause pointer
print private procedure program public pure read real recursive result return rewind save
select sequence stop subroutine target then type use where while write value
"""
_USED = """
abs cos exp log merge sign sin sqrt tan tanh max min size dp nan larger smaller signum
step x t k held slope knots pieces sciren_equations ieee_arithmetic ieee_value
ieee_quiet_nan ieee_is_nan
"""
RESERVED = frozenset([*_KEYWORDS.split(), *_USED.split()])
FOLDED = True
_IEEE = ("ieee_is_nan", "ieee_value", "ieee_quiet_nan")
LINE = 100
"""Characters of a line; Fortran allows 132."""


def number(value: float) -> str:
    """Return a literal of double precision."""
    return f"{value!r}_dp"


def _power(base: str, exponent: str, whole: int | None) -> str:
    held = base if re.fullmatch(r"\w+", base) else f"({base})"
    if whole is None:
        return f"{held}**({exponent})"
    return f"{held}**{whole}" if whole >= 0 else f"{held}**({whole})"


DIALECT = Dialect(
    number=number,
    functions=FUNCTIONS | {"sign": "signum"},
    power=_power,
    choose=lambda condition, value, other: f"merge({value}, {other}, {condition})",
    relations=RELATIONS | {"ne": "/="},
    both=".and.",
    either=".or.",
    invert=".not.",
    truth=(".false.", ".true."),
    larger="larger",
    smaller="smaller",
    missing="nan()",
)


def _helper(name: str, arguments: str, body: str) -> str:
    declared = f"    real(dp), intent(in) :: {arguments}\n" if arguments else ""
    return (
        f"\n  elemental function {name}({arguments}) result(value)\n{declared}"
        f"    real(dp) :: value\n{body}  end function\n"
    )


_HELPERS = {
    "larger": _helper(
        "larger", "a, b", "    value = merge(a, b, a > b .or. ieee_is_nan(a))\n"
    ),
    "smaller": _helper(
        "smaller", "a, b", "    value = merge(a, b, a < b .or. ieee_is_nan(a))\n"
    ),
    "signum": _helper(
        "signum",
        "a",
        "    value = merge(1.0_dp, 0.0_dp, a > 0) - merge(1.0_dp, 0.0_dp, a < 0)\n"
        "    if (ieee_is_nan(a)) value = a\n",
    ),
    "step": _helper(
        "step",
        "a",
        "    value = merge(1.0_dp, merge(0.5_dp, 0.0_dp, a >= 0), a > 0)\n"
        "    if (ieee_is_nan(a)) value = a\n",
    ),
    "nan": _helper(
        "nan", "", "    value = ieee_value(1.0_dp, ieee_quiet_nan)\n"
    ).replace("elemental", "pure"),
}


def write(program: Program) -> str:
    """Return the module as text."""
    # the body first: it tells which helpers and modules are needed
    body = program.functions(_table, _routine)
    helpers = called(_HELPERS, body)
    lines = [f"! {_safe(line)}" for line in program.header]
    lines.append("module sciren_equations")
    # only what is used is imported, or compilers warn
    used = [name for name in _IEEE if f"{name}" in "".join([*body, *helpers])]
    if used:
        lines.append(f"  use, intrinsic :: ieee_arithmetic, only: {', '.join(used)}")
    lines += ["  implicit none", "  private"]
    lines += [f"  public :: {name}" for name in program.public]
    lines.append("  integer, parameter :: dp = kind(1.0d0)")
    for item in program.numbers:
        lines.append(f"  ! {_safe(item.meaning)}")
        value = number(item.value)
        lines.append(f"  real(dp), parameter, public :: {item.identifier} = {value}")
    lines.append("contains")
    return "\n".join(lines) + "\n" + "".join([*body, *helpers]) + "end module\n"


def _safe(text: str) -> str:
    # Fortran 2003 ends lines at 132 characters
    return " ".join(text.split())[:120]


def _routine(routine: Routine) -> str:
    given = ", ".join(a.identifier for a in routine.arguments)
    # elemental functions need an argument
    kind = "elemental" if routine.arguments else "pure"
    lines = [
        "",
        *continued(f"  {kind} function {routine.identifier}({given}) result(value)"),
    ]
    lines.append(f"    ! {_safe(routine.summary)}")
    for a in routine.arguments:
        lines.append(f"    ! {_safe(a.meaning)}")
        lines.append(f"    real(dp), intent(in) :: {a.identifier}")
    lines.append("    real(dp) :: value")
    lines += [f"    real(dp) :: {value.identifier}" for value in routine.locals]
    for value in routine.locals:
        called = (
            f"    {value.identifier} = {value.function}({', '.join(value.arguments)})"
        )
        lines += continued(called)
    text = CodeText(DIALECT, routine.names).text(routine.expression)
    lines += continued(f"    value = {text}")
    return "\n".join([*lines, "  end function", ""])


def continued(line: str) -> list[str]:
    """Break a statement where a name, a number or a sign ends."""
    # a literal with its exponent and kind, 1.5e-3_dp, is one word
    words = re.findall(r"\.\w+\.|[\w.]+(?:(?<=\de)[+-]\d+_dp)?|\*\*|\s+|.", line)
    lines, current = [], ""
    for word in words:
        if len(current) + len(word) > LINE and current.strip():
            lines.append(f"{current} &")
            current = f"      {word.lstrip()}"
        else:
            current += word
    return [*lines, current]


def _table(table: Table) -> str:
    size = len(table.pieces)
    first, last = (number(float(v)) for v in table.curve.slopes)
    knots = in_rows([number(float(x)) for x in table.curve.x], "      ", LINE, " &")
    flat = [number(float(v)) for v in table.pieces.ravel()]
    blocks, k = [], 0
    # few lines a statement: compilers may refuse more than 255 continuations
    while k < size:
        upto = min(k + 50, size)
        rows = in_rows(flat[4 * k : 4 * upto], "      ", LINE, " &")
        blocks.append((k + 1, upto, rows))
        k = upto
    tables = "\n".join(
        f"    real(dp), parameter :: part{n}(4, {upto - begin + 1}) = reshape([ &\n"
        f"{rows} &\n      ], [4, {upto - begin + 1}])"
        for n, (begin, upto, rows) in enumerate(blocks, 1)
    )
    whole = ", ".join(f"part{n}" for n in range(1, len(blocks) + 1))
    return f"""
  ! {_safe(table.meaning)}
  elemental function {table.identifier}(x) result(value)
    real(dp), intent(in) :: x
    real(dp) :: value, held, slope, t
    integer :: k
    real(dp), parameter :: knots({size + 1}) = [ &
{knots} &
      ]
{tables}
    real(dp), parameter :: p(4, {size}) = reshape([{whole}], [4, {size}])
    held = merge(knots(1), merge(knots({size + 1}), x, x > knots({size + 1})), x < knots(1))
    slope = merge({first}, {last}, x < knots(1))
    k = 1
    do while (k < {size})
      if (held < knots(k + 1)) exit
      k = k + 1
    end do
    t = held - knots(k)
    value = ((p(1, k)*t + p(2, k))*t + p(3, k))*t + p(4, k) + slope*(x - held)
  end function
"""
