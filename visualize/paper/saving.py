"""Save a figure scaled as a whole: text, lines and points shrink together.

matplotlib keeps text and lines at their points whatever the size of a figure, so that a
figure designed at nine inches is crowded at three. Here the finished drawing is scaled,
by one matrix in PDF, by the size of the view box in SVG, and by the resolution in PNG.
Equal figures give equal bytes: nothing holds a date or a random name.
"""

import re
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_pdf import Op, PdfFile, RendererPdf
from matplotlib.figure import Figure

from sciren.errors import ConfigError

FORMATS = ("pdf", "svg", "png")
PNG_DPI = 600  # what journals ask of line drawings that are no vectors
_POINTS = 72  # of an inch in PDF
_SETTINGS: dict[Any, Any] = {
    # Ids of an SVG are hashes with a random salt by default.
    "svg.hashsalt": "sciren",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
}
_SIZE = re.compile(r'="([\d.]+)pt"')  # of width and height in the svg element


def save_scaled(figure: Figure, path: Path, scale: float) -> None:
    """Write a figure at ``scale`` times its size, as the end of the name says.

    Raises:
        ConfigError: a format that is none of ``FORMATS``.
    """
    kind = path.suffix[1:]
    writers = {"pdf": _pdf, "svg": _svg, "png": _png}
    if kind not in writers:
        raise ConfigError(
            f"figures are written as {', '.join(FORMATS)}, not as {kind!r}"
        )
    with rc_context(_SETTINGS):
        writers[kind](figure, path, scale)


def _pdf(figure: Figure, path: Path, scale: float) -> None:
    """As `FigureCanvasPdf.print_pdf`, with a matrix before the first stroke."""
    width, height = figure.get_size_inches()
    dpi, figure.dpi = figure.dpi, _POINTS
    file = PdfFile(path, metadata={"CreationDate": None})
    try:
        file.newPage(width * scale, height * scale)
        file.output(scale, 0, 0, scale, 0, 0, Op.concat_matrix)
        # markers beyond the page are left out; they are placed before the matrix
        file.width, file.height = width, height
        inner = RendererPdf(file, PNG_DPI, height, width)
        renderer: Any = MixedModeRenderer(figure, width, height, PNG_DPI, inner)
        figure.draw(renderer)
        renderer.finalize()
        file.finalize()
    finally:
        file.close()
        figure.dpi = dpi


def _svg(figure: Figure, path: Path, scale: float) -> None:
    figure.savefig(path, metadata={"Date": None})
    text = path.read_text(encoding="utf-8")
    start = text.index("<svg")
    end = text.index(">", start)
    # Width and height of the element shrink, its view box stays: that scales
    # everything.
    head = _SIZE.sub(lambda size: f'="{float(size[1]) * scale:g}pt"', text[start:end])
    path.write_text(text[:start] + head + text[end:], encoding="utf-8")


def _png(figure: Figure, path: Path, scale: float) -> None:
    figure.savefig(path, dpi=PNG_DPI * scale)
