"""Long equations over several lines: broken before plus and minus signs."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

# share of the width that a line must reach before an outer sign is preferred
FULL = 0.4
_TOKEN = re.compile(
    r"\\begin\{|\\left(?![a-zA-Z])|\\right(?![a-zA-Z])|\\[a-zA-Z]+|\\.|[{}=]|(?<= )[+-](?= )"
)
_OPENS = ("(", "[", "{", ",", "=", "\\times", "\\cdot")  # no sum goes on after these

_ALIGNED = re.compile(r"\\begin\{aligned\}(.*)\\end\{aligned\}", re.DOTALL)

Measure = Callable[[str], float]


@dataclass(frozen=True)
class _Place:
    """A sign before which a line may end, and how many brackets are open there."""

    at: int
    depth: int


def break_lines(latex: str, width: float, measure: Measure) -> str:
    r"""Return the equation over as many lines as the width asks for.

        y = a + b + c   ->   \begin{aligned} y &= a + b \\ &\quad + c \end{aligned}

    Lines end before plus and minus signs, inside of brackets where there is no other;
    ``\left`` and ``\right`` of brackets that a line end parts become plain brackets.
    The lines of an ``aligned`` are broken each for itself. What fits, has no such sign, or
    holds other environments comes back as it is.

    Args:
        latex: one equation, with or without a left-hand side, or several in ``aligned``.
        width: what a line may take.
        measure: width of a piece of mathematics, same unit.
    """
    whole = _ALIGNED.fullmatch(latex.strip())
    # Several equations: each is broken for itself, none where one holds cases.
    lines = [] if whole is None else whole[1].split(r"\\")
    if lines and all("&=" in line and "\\begin{" not in line for line in lines):
        given = [line.replace("&=", "=", 1).strip() for line in lines]
        # All right sides begin behind the widest left side.
        left = max(measure(f"{row.partition('=')[0]} = ") for row in given)
        broken = [row for line in given for row in _rows(line, width, measure, left)]
        return _aligned(broken)
    if "\\begin{" in latex or "\\\\" in latex or measure(latex) <= width:
        return latex
    rows = _rows(latex, width, measure)
    return _aligned(rows) if len(rows) > 1 else latex


def _aligned(rows: list[str]) -> str:
    joined = r" \\ ".join(rows)
    return rf"\begin{{aligned}} {joined} \end{{aligned}}"


def _rows(latex: str, width: float, measure: Measure, indent: float = 0.0) -> list[str]:
    """Return one equation as rows of an ``aligned``; its left side takes ``indent``."""
    equals, places = _places(latex)
    head = latex[:equals].strip() if equals else ""
    start = equals + 1 if equals else 0
    # Every line stands behind the equals sign, so the left side costs width in all of
    # them.
    indent = max(indent, measure(f"{head} = ") if head else 0.0)
    ends = _ends(latex, start, places, width - indent, measure)
    plain = _without_parted_sizes(latex, ends)
    cuts = [start, *ends, len(latex)]
    first, *rest = (plain(a, b) for a, b in itertools.pairwise(cuts))
    rows = [f"{head} &= {first}" if head else f"& {first}"]
    return rows + [rf"&\quad {line}" for line in rest]


def _places(latex: str) -> tuple[int, list[_Place]]:
    """Return where the first equals sign outside of groups stands (0: nowhere), and the signs."""
    groups = brackets = equals = 0
    places = []
    for token in _TOKEN.finditer(latex):
        text = token[0]
        # Groups ({} of fractions and exponents) may not be parted; brackets (\left,
        # \right) may, if there is no other place.
        groups += (text == "{") - (text == "}")
        brackets += (text == "\\left") - (text == "\\right")
        if groups:
            continue
        if text == "=" and not brackets and not equals:
            equals = token.start()
        before = latex[: token.start()].rstrip()
        # A sign after an opening bracket or an operator is that of a number.
        if text in ("+", "-") and before and not before.endswith(_OPENS):
            places.append(_Place(token.start(), brackets))
    return equals, [place for place in places if place.at > equals]


def _ends(
    latex: str, start: int, places: list[_Place], width: float, measure: Measure
) -> list[int]:
    """Choose where lines end: as late as fits, outside of brackets if not too early."""
    ends: list[int] = []
    while True:
        open_ = [place for place in places if place.at > start]
        if not open_ or _wide(latex, start, len(latex), measure) <= width:
            return ends
        sizes = [(_wide(latex, start, place.at, measure), place) for place in open_]
        fitting = [(size, place) for size, place in sizes if size <= width]
        if not fitting:  # the first sign comes too late: let that line be long
            start = open_[0].at
        else:
            # Fewest open brackets first, then the latest place: but a line shorter than
            # 40 % of the width looks torn.
            full = [fit for fit in fitting if fit[0] >= FULL * width] or fitting
            start = min(full, key=lambda fit: (fit[1].depth, -fit[1].at))[1].at
        ends.append(start)


def _wide(latex: str, start: int, end: int, measure: Measure) -> float:
    """Width of a part, whose unmatched brackets are plain."""
    return measure(rf"\quad {_without_parted_sizes(latex, [start, end])(start, end)}")


def _without_parted_sizes(latex: str, ends: list[int]) -> Callable[[int, int], str]:
    r"""Return what cuts parts out, without ``\left`` and ``\right`` of parted brackets."""
    # \left and \right must stand in one line: where a line end falls between a pair,
    # both become plain brackets.
    parted: set[int] = set()
    stack: list[int] = []
    for token in _TOKEN.finditer(latex):
        if token[0] == "\\left":
            stack.append(token.start())
        elif token[0] == "\\right" and stack:
            opened = stack.pop()
            if any(opened < end <= token.start() for end in ends):
                parted |= {opened, token.start()}

    def part(start: int, end: int) -> str:
        pieces, last = [], start
        for place in sorted(p for p in parted if start <= p < end):
            command = "\\left" if latex.startswith("\\left", place) else "\\right"
            pieces.append(latex[last:place])
            last = place + len(command)
        return ("".join(pieces) + latex[last:end]).strip()

    return part
