"""Equations as C99: functions of doubles, needing math.h only."""

from dataclasses import replace

from symbolic.code.expressions import FUNCTIONS, SIGNS, CodeText, power_by
from symbolic.code.layout import called, in_rows, signature
from symbolic.code.program import Program, Routine, Table

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if
inline int long register restrict return short signed sizeof static struct switch
typedef union unsigned void volatile while asm typeof bool true false nullptr constexpr
static_assert alignas alignof thread_local class new delete this template namespace
private public protected virtual operator friend catch try throw using export and or not
xor explicit mutable typename main errno NULL NAN INFINITY HUGE_VAL
"""
_MATH = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2
expm1 fabs fdim floor fma fmax fmin fmod frexp gamma hypot ilogb isfinite isinf isnan
isnormal j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf
nan nearbyint nextafter nexttoward pow remainder remquo rint round scalb scalbln scalbn
signbit signgam sin sinh sqrt tan tanh tgamma trunc y0 y1 yn abs labs div larger smaller
step sign x t k held
"""
RESERVED = frozenset([*_KEYWORDS.split(), *_MATH.split()])
FOLDED = False

DIALECT = replace(
    SIGNS,
    functions=FUNCTIONS | {"abs": "fabs"},
    power=power_by("pow"),
    truth=("0", "1"),
    larger="larger",
    smaller="smaller",
    missing="NAN",
)

# A missing value stays missing; fmax and fmin would drop it.
_HELPERS = {
    "larger": "static double larger(double a, double b)\n"
    "{\n    return (a > b || a != a) ? a : b;\n}\n",
    "smaller": "static double smaller(double a, double b)\n"
    "{\n    return (a < b || a != a) ? a : b;\n}\n",
    "sign": "static double sign(double a)\n"
    "{\n    return a != a ? a : (double)((a > 0.0) - (a < 0.0));\n}\n",
    "step": "static double step(double a)\n"
    "{\n    return a != a ? a : (a < 0.0 ? 0.0 : (a > 0.0 ? 1.0 : 0.5));\n}\n",
}


def write(program: Program) -> str:
    """Return the source file as text."""
    head = "\n".join(f" * {_safe(line)}" for line in program.header)
    parts = [f"/*\n{head}\n */\n#include <math.h>\n"]
    parts += [
        f"\n/* {_safe(item.meaning)} */\nstatic const double {item.identifier} = "
        f"{item.value!r};\n"
        for item in program.numbers
    ]
    # the body first: it tells which helpers are needed
    body = program.functions(_table, _routine)
    parts += [f"\n{text}" for text in called(_HELPERS, body)]
    return "".join([*parts, *body])


def _safe(text: str) -> str:
    # nothing in a text may end the comment around it
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def _routine(routine: Routine) -> str:
    lines = ["", "/**", f" * {_safe(routine.summary)}"]
    lines += [f" * @param {a.identifier} {_safe(a.meaning)}" for a in routine.arguments]
    lines.append(" */")
    start = f"double {routine.identifier}("
    lines += [signature(start, routine, ")", "    ", "double ")]
    lines[-1] = (
        # () would leave the arguments open in C
        lines[-1].replace("()", "(void)") if not routine.arguments else lines[-1]
    )
    lines.append("{")
    lines += [
        f"    const double {value.identifier} = {value.function}({', '.join(value.arguments)});"
        for value in routine.locals
    ]
    text = CodeText(DIALECT, routine.names).text(routine.expression)
    return "\n".join([*lines, f"    return {text};", "}", ""])


def _table(table: Table) -> str:
    knots = in_rows([repr(float(x)) for x in table.curve.x], "        ")
    rows = [
        f"        {{{', '.join(repr(float(v)) for v in row)}}}" for row in table.pieces
    ]
    first, last = map(float, table.curve.slopes)
    inside, size = ",\n".join(rows), len(table.pieces)
    return f"""
/* {_safe(table.meaning)} */
static double {table.identifier}(double x)
{{
    static const double knots[{size + 1}] = {{
{knots}
    }};
    static const double pieces[{size}][4] = {{
{inside}
    }};
    const double held = x < knots[0] ? knots[0] : (x > knots[{size}] ? knots[{size}] : x);
    const double slope = x < knots[0] ? {first!r} : {last!r};
    int k = 0;
    while (k < {size - 1} && held >= knots[k + 1]) {{
        k++;
    }}
    const double t = held - knots[k];
    const double *p = pieces[k];
    return ((p[0] * t + p[1]) * t + p[2]) * t + p[3] + slope * (x - held);
}}
"""
