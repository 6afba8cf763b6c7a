"""Typeset whole equations without TeX: aligned lines and cases, as outlines or SVG."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

from visualize.line_breaks import break_lines
from visualize.mathtext import bare, respelled

_BEGIN = re.compile(r"\\begin\{([a-z]+\*?)\}")
_STEP = re.compile(r"\\begin\{[a-z]+\*?\}|\\end\{[a-z]+\*?\}|\\\\|\\.|[{}&]", re.DOTALL)
_FRACTION = re.compile(r"\\[a-zA-Z]+|\\.|[{}]")
_ALIGNED = ("align", "aligned", "split", "gathered", "equation", "gather", "multline")
_PLACED = re.compile(r"^\[[tbc]\]")  # where an environment stands about its line
_AXIS = 0.25  # height of the line that brackets and cases are centred on, in ems
_LEADING = 0.5  # extra space between lines, in ems
_FACE = "stix"
_REMEMBERED = 256  # lines: several times those of a report
FINE = 10  # steps a pixel of a drawn outline: a tenth of a pixel is not seen


@dataclass(frozen=True)
class Box:
    """A typeset piece: outlines, and the room that it takes about its baseline.

    Args:
        path: outlines with the origin at the left end of the baseline, y upwards.
        width, ascent, descent: size in the unit of the font size.
    """

    path: Path
    width: float
    ascent: float
    descent: float

    @property
    def height(self) -> float:
        """Height above and below the baseline together."""
        return self.ascent + self.descent


def equation_box(latex: str, size: float = 20.0) -> Box | None:
    """Typeset an equation of one or several lines; None when mathtext cannot.

    Args:
        latex: mathematics; ``align``, ``aligned``, ``split``, ``gathered``,
            ``equation``, ``cases`` and ``pmatrix`` environments may nest.
        size: font size, in the unit of the result.
    """
    try:
        return _layout(bare(latex), size)
    except ValueError:
        return None


def equation_svg(
    latex: str, text: str = "", size: float = 20.0, width: float | None = None
) -> str | None:
    """Return an equation as an SVG element in the colour of its surroundings.

    Args:
        latex: see `equation_box`.
        text: what a screen reader says; default: the LaTeX source.
        size: font size in pixels.
        width: pixels beyond which it goes on in the next line, see `break_lines`.
    Returns:
        The element, the same for the same input; None when mathtext cannot.
    """
    # Broken into lines only where the whole could be typeset: else its widths are
    # unknown.
    shown = latex
    if width is not None and equation_box(latex, size) is not None:
        shown = break_lines(bare(latex), width, lambda part: _width(part, size))
    box = equation_box(shown, size)
    if box is None or box.width == 0:
        return None
    edge = 0.1 * size  # outlines may reach a little beyond their box
    width, height = box.width + 2 * edge, box.height + 2 * edge
    # The box has y upwards about its baseline, SVG has y downwards from the top.
    outline = _svg_path(_flip(box.path, edge, box.ascent + edge))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" class="equation" '
        f'aria-label="{escape(text or latex)}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {FINE * width:.0f} {FINE * height:.0f}">'
        f'<path fill="currentColor" d="{outline}"/></svg>'
    )


def _width(latex: str, size: float) -> float:
    box = equation_box(latex, size)
    return 0.0 if box is None else box.width


def _flip(path: Path, x: float, y: float) -> Path:
    return path.transformed(Affine2D().scale(1, -1).translate(x, y))


def _svg_path(path: Path) -> str:
    """Return the path in SVG's own language: steps in whole tenths of a pixel.

    Steps from corner to corner are half as long to write as places, and add up to the
    rounded places.
    """
    letters = {Path.MOVETO: "m", Path.LINETO: "l", Path.CURVE3: "q", Path.CURVE4: "c"}
    here = start = np.zeros(2, dtype=int)
    parts = []
    for vertices, code in path.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            parts.append("z")
            here = start
            continue
        # Rounded before differences are taken, so that rounding does not add up along
        # the path.
        corners = np.rint(FINE * np.reshape(vertices, (-1, 2))).astype(int)
        parts.append(letters[code] + _joined((corners - here).ravel()))
        here = corners[-1]
        if code == Path.MOVETO:
            start = here
    return "".join(parts)


def _joined(numbers: np.ndarray) -> str:
    """Whole numbers behind one another; a minus sign parts them as a space does."""
    return " ".join(map(str, numbers.tolist())).replace(" -", "-")


def _layout(latex: str, size: float) -> Box:
    # What stands before, inside and after the first environment is laid out on its own,
    # then side by side.
    begin = _BEGIN.search(latex)
    if begin is None:
        rows = _split(latex, r"\\")
        return _grid(rows, size) if len(rows) > 1 else _line(latex, size)
    name = begin[1]
    end = _matching_end(latex, begin.end())
    body = latex[begin.end() : end]
    body = _PLACED.sub("", body)
    if name == "pmatrix":
        inner = _matrix(_split(body, r"\\"), size)
    elif name == "cases":
        inner = _cases(_split(body, r"\\"), size)
    elif name.rstrip("*") in _ALIGNED:
        inner = _grid(_split(body, r"\\"), size)
    else:
        raise ValueError(f"environment {name!r} cannot be typeset")
    before, after = latex[: begin.start()], latex[end + len(rf"\end{{{name}}}") :]
    parts = [_layout(part, size) for part in (before,) if part.strip()] + [inner]
    if after.strip():
        parts.append(_layout(after, size))
    return _beside(parts, 0.15 * size)


def _matching_end(latex: str, start: int) -> int:
    depth = 1
    for match in re.finditer(r"\\(begin|end)\{", latex[start:]):
        depth += 1 if match[1] == "begin" else -1
        if depth == 0:
            return start + match.start()
    raise ValueError("an environment is not closed")


def _split(latex: str, separator: str) -> list[str]:
    """Split at a separator outside braces and environments; drop empty ends."""
    parts, depth, last = [], 0, 0
    for match in _STEP.finditer(latex):
        token = match[0]
        if token == "{" or token.startswith(r"\begin"):
            depth += 1
        elif token == "}" or token.startswith(r"\end"):
            depth -= 1
        elif token == separator and depth == 0:
            parts.append(latex[last : match.start()])
            last = match.end()
    parts.append(latex[last:])
    return parts[:-1] if len(parts) > 1 and not parts[-1].strip() else parts


def _line(latex: str, size: float) -> Box:
    """Typeset one line of plain mathematics."""
    if not bare(latex):
        return Box(Path(np.empty((0, 2))), 0.0, 0.0, 0.0)
    source = respelled(_display(latex))
    line = None if source is None else _typeset(source)
    if line is None or line.width <= 0:
        raise ValueError(f"mathtext cannot read {latex!r}")
    path = Path(np.asarray(line.path.vertices) * size, line.path.codes)
    return Box(path, size * line.width, size * line.ascent, size * line.descent)


@lru_cache(_REMEMBERED)
def _typeset(source: str) -> Box:
    """Typeset a line of mathtext at the font size 1; any other only stretches it."""
    font = FontProperties(size=1.0)
    font.set_math_fontfamily(_FACE)
    vertices, codes = text_to_path.get_text_path(font, source, ismath=True)
    width, height, descent = text_to_path.get_text_width_height_descent(
        source, font, True
    )
    path = Path(np.reshape(vertices, (-1, 2)) / text_to_path.FONT_SCALE, codes)
    return Box(path, float(width), float(height - descent), float(descent))


def _display(latex: str) -> str:
    """Use large fractions outside of exponents, indices and other braces."""
    depth, last, parts = 0, 0, []
    for match in _FRACTION.finditer(latex):
        token = match[0]
        depth += (token == "{") - (token == "}")
        parts.append(latex[last : match.start()])
        parts.append(r"\dfrac" if token == r"\frac" and depth == 0 else token)
        last = match.end()
    return "".join(parts) + latex[last:]


def _shift(path: Path, x: float, y: float) -> Path:
    return path.transformed(Affine2D().translate(x, y))


def _join(paths: Sequence[Path]) -> Path:
    kept = [path for path in paths if np.size(path.vertices)]
    return Path.make_compound_path(*kept) if kept else Path(np.empty((0, 2)))


def _beside(boxes: Sequence[Box], gap: float) -> Box:
    x, paths = 0.0, []
    for box in boxes:
        paths.append(_shift(box.path, x, 0))
        x += box.width + gap
    ascent = max(box.ascent for box in boxes)
    return Box(_join(paths), x - gap, ascent, max(box.descent for box in boxes))


def _grid(rows: Sequence[str], size: float, right_first: bool = True) -> Box:
    """Rows of cells; columns are flush right and left in turn, as in ``aligned``."""
    cells = [[_layout(cell, size) for cell in _split(row, "&")] for row in rows]
    count = max(map(len, cells))
    widths = [max((row[c].width for row in cells if c < len(row)), default=0.0)
              for c in range(count)]  # fmt: skip
    gap = (0.22 if right_first else 0.9) * size
    y, paths = 0.0, []
    for row in cells:
        y -= max(0.75 * size, *(cell.ascent for cell in row))
        x = 0.0
        for column, cell in enumerate(row):
            flush = right_first and column % 2 == 0 and count > 1
            shift = widths[column] - cell.width if flush else 0.0
            paths.append(_shift(cell.path, x + shift, y))
            x += widths[column] + gap
        y -= max(0.25 * size, *(cell.descent for cell in row)) + _LEADING * size
    height = -y - _LEADING * size
    # Centred on the height of a minus sign, as brackets and fractions are.
    ascent = height / 2 + _AXIS * size
    path = _shift(_join(paths), 0, ascent)
    return Box(path, sum(widths) + gap * (count - 1), ascent, height - ascent)


def _matrix(rows: Sequence[str], size: float) -> Box:
    """Cells in centred columns between round brackets of their height."""
    cells = [[_layout(cell, size) for cell in _split(row, "&")] for row in rows]
    widths = [max(row[c].width for row in cells if c < len(row))
              for c in range(max(map(len, cells)))]  # fmt: skip
    gap = 0.8 * size
    y, paths = 0.0, []
    for row in cells:
        y -= max(0.75 * size, *(cell.ascent for cell in row))
        x = 0.0
        for width, cell in zip(widths, row, strict=False):
            paths.append(_shift(cell.path, x + (width - cell.width) / 2, y))
            x += width + gap
        y -= max(0.25 * size, *(cell.descent for cell in row)) + 0.15 * size
    height = -y - 0.15 * size
    ascent = height / 2 + _AXIS * size
    wide = sum(widths) + gap * (len(widths) - 1)
    inside = Box(_shift(_join(paths), 0, ascent), wide, ascent, height - ascent)
    sides = [_stretched(_line(sign, size), ascent, height) for sign in "()"]
    return _beside([sides[0], inside, sides[1]], 0.1 * size)


def _stretched(sign: Box, ascent: float, height: float) -> Box:
    """Draw a bracket as high as what it holds."""
    heights = np.asarray(sign.path.vertices)[:, 1]
    low, high = float(heights.min()), float(heights.max())
    # Stretched in height only: a bracket that grows in width as well looks bold.
    scale = height / (high - low)
    moved = Affine2D().translate(0, -low).scale(1, scale).translate(0, ascent - height)
    return Box(sign.path.transformed(moved), sign.width, ascent, height - ascent)


def _cases(rows: Sequence[str], size: float) -> Box:
    inner = _grid(rows, size, right_first=False)
    brace = Box(_brace(inner.ascent, inner.descent, size), 0.5 * size, 0.0, 0.0)
    return _beside([brace, inner], 0.1 * size)


def _brace(ascent: float, descent: float, size: float) -> Path:
    """Outline of a left curly brace from ``-descent`` to ``ascent``."""
    # Half of the pen on each side of the spine; the tip points left at the middle, the
    # ends right at top and bottom.
    middle, half, pen = (ascent - descent) / 2, (ascent + descent) / 2, 0.045 * size
    tip, spine, end = 0.06 * size, 0.24 * size, 0.42 * size

    def side(offset: float, sign: int) -> list[tuple[float, float]]:
        x = spine + offset
        bend = min(0.35 * size, half / 2)
        return [
            (x, middle + sign * bend * 0.4), (x, middle + sign * bend),
            (x, middle + sign * (half - bend)),
            (x, middle + sign * (half - 0.1 * size)), (end, middle + sign * half),
        ]  # fmt: skip

    # Once around: up along the outer side, back along the inner one, the same mirrored.
    outer, inner = side(-pen, 1), side(pen, 1)
    lower_outer, lower_inner = side(-pen, -1), side(pen, -1)
    C, L, M = Path.CURVE3, Path.LINETO, Path.MOVETO
    steps = [
        ((tip, middle), M), (outer[0], C), (outer[1], C), (outer[2], L),
        (outer[3], C), (outer[4], C), (inner[3], C), (inner[2], C), (inner[1], L),
        (inner[0], C), ((tip + 2 * pen, middle), C), (lower_inner[0], C),
        (lower_inner[1], C), (lower_inner[2], L), (lower_inner[3], C),
        (lower_inner[4], C), (lower_outer[3], C), (lower_outer[2], C),
        (lower_outer[1], L), (lower_outer[0], C), ((tip, middle), C),
    ]  # fmt: skip
    return Path([point for point, _ in steps], [code for _, code in steps])
