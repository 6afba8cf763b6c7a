"""A figure drawn once and written twice: as a bitmap and as vectors.

Finding the places of labels and walking through all artists is most of the cost of a
picture. Every stroke therefore goes to two renderers at once: into the pixels, and into
a PDF page whose unit is a pixel. What is measured in points (widths of lines, dashes,
sizes of letters) is enlarged for that page by pixels a point.
Equal figures give equal bytes: no dates are written.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_pdf import Op, PdfFile, RendererPdf
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from visualize.paper.palette import in_palette

POINTS = 72  # of an inch in PDF
DRAWN = ("draw_markers", "draw_path_collection", "draw_image", "draw_quad_mesh")


def save_both(figure: Figure, bitmap: Path, vectors: Path, dpi: float) -> None:
    """Draw a figure once, and write it as PNG and PDF.

    Args:
        figure: as it was made.
        bitmap, vectors: names of the files, .png (in 256 colours) and .pdf.
        dpi: pixels an inch of the bitmap.
    """
    # The figure gets its own canvas and resolution back, whatever happens.
    before, plain = figure.dpi, figure.canvas
    figure.dpi = dpi
    width, height = figure.get_size_inches()
    file = PdfFile(vectors, metadata={"CreationDate": None})
    try:
        canvas = _Canvas(figure)
        share = POINTS / dpi
        file.newPage(width, height)
        file.output(share, 0, 0, share, 0, 0, Op.concat_matrix)
        # markers beyond the page are left out, so it has to know its size in pixels
        file.width, file.height = width / share, height / share
        canvas.renderer = renderer = _Both(canvas, file)
        figure.draw(renderer)
        renderer.page.finalize()
        file.finalize()
        bitmap.write_bytes(in_palette(np.asarray(renderer.buffer_rgba()), dpi))
    finally:
        file.close()
        figure.dpi = before
        figure.set_canvas(plain)


class _Canvas(FigureCanvasAgg):
    """A canvas whose layout is measured by the renderer that draws, so texts once."""

    renderer: Any = None

    def get_renderer(self) -> Any:
        return super().get_renderer() if self.renderer is None else self.renderer


class _Both(RendererAgg):
    """Strokes into pixels, and the same into a PDF page.

    Artists that ask to be rasterised (the colours of a colour bar, whose cells would show
    seams) are one image on the page.
    """

    def __init__(self, canvas: FigureCanvasAgg, file: PdfFile) -> None:
        dpi = canvas.figure.dpi
        width, height = canvas.get_width_height(physical=True)
        # an image has one number a pixel in both, so the page counts in pixels too
        self.page = RendererPdf(file, POINTS, height / POINTS, width / POINTS)
        self.image: RendererAgg | None = None
        self.enlarged = dpi / POINTS
        self._fonts: dict[FontProperties, FontProperties] = {}
        super().__init__(width, height, dpi)

    def _update_methods(self) -> None:
        """Let what the pixels draw by themselves reach the page as well."""
        super()._update_methods()  # pyright: ignore[reportAttributeAccessIssue]
        # RendererAgg binds these methods to its C++ object when it is made, so that
        # overriding them in the class has no effect; they are wrapped on the instance.
        for name in DRAWN:
            setattr(self, name, self._twice(name, getattr(self, name)))

    def _twice(self, name: str, draw: Callable[..., None]) -> Callable[..., None]:
        def both(gc: Any, *args: Any, **more: Any) -> None:
            draw(gc, *args, **more)
            if self.image is not None:
                getattr(self.image, name)(gc, *args, **more)
                return
            if name == "draw_path_collection":
                args = self._wider(args)
            getattr(self.page, name)(self._on_page(gc), *args, **more)

        return both

    def draw_path(
        self, gc: Any, path: Any, transform: Any, rgbFace: Any = None
    ) -> None:
        """Draw a path on both."""
        super().draw_path(gc, path, transform, rgbFace)
        if self.image is not None:
            self.image.draw_path(gc, path, transform, rgbFace)
        else:
            self.page.draw_path(self._on_page(gc), path, transform, rgbFace)

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Draw a text on both; pixels count from above, the page from below."""
        super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        if self.image is not None:
            self.image.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        if prop not in self._fonts:
            self._fonts[prop] = grown = prop.copy()
            grown.set_size(prop.get_size_in_points() * self.enlarged)
        self.page.draw_text(
            self._on_page(gc), x, self.height - y, s, self._fonts[prop], angle,
            ismath, mtext,
        )  # fmt: skip

    def start_rasterizing(self) -> None:
        """Draw what follows into an image of its own instead of onto the page."""
        self.image = RendererAgg(self.width, self.height, self.dpi)

    def stop_rasterizing(self) -> None:
        """Lay the image onto the page."""
        assert self.image is not None
        pixels = np.asarray(self.image.buffer_rgba())
        self.image = None
        # Only the part with any opacity is kept: the whole image would be most of the
        # file.
        rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
        if len(rows) and len(columns):
            (top, end), (left, right) = rows[[0, -1]], columns[[0, -1]]
            # The page counts rows from below.
            seen = pixels[top : end + 1, left : right + 1][::-1]
            self.page.draw_image(self.page.new_gc(), left, self.height - end - 1, seen)

    def _on_page(self, gc: Any) -> Any:
        """Return the state of a stroke on the page, lengths in pixels."""
        state = self.page.new_gc()
        state.copy_properties(gc)
        state.set_linewidth(gc.get_linewidth() * self.enlarged)
        state.set_dashes(*self._longer(gc.get_dashes()))
        return state

    def _longer(self, dashes: Any) -> Any:
        offset, lengths = dashes
        if lengths is None:
            return dashes
        return offset * self.enlarged, [each * self.enlarged for each in lengths]

    def _wider(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments of a collection with its lines and dashes in pixels."""
        before, widths, dashes, after = args[:7], args[7], args[8], args[9:]
        return (
            *before,
            [each * self.enlarged for each in widths],
            [self._longer(each) for each in dashes],
            *after,
        )
