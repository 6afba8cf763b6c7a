"""What every picture must keep to, whatever it shows."""

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 8.0  # points


def _texts(figure: Figure) -> list[Text]:
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text.axes is not None
    ]


@pytest.fixture
def check_picture() -> Callable[[Figure], Figure]:
    """Draw a figure; its texts stay inside, are large enough, and it is described."""

    def check(figure: Figure) -> Figure:
        figure.draw_without_rendering()
        width, height = figure.bbox.width, figure.bbox.height
        hidden = [axis for axis in figure.axes if not axis.axison]
        for text in _texts(figure):
            assert text.get_fontsize() >= SMALLEST, text.get_text()
            if text.axes in hidden:
                continue
            box = text.get_window_extent()
            if box.width == 0:
                continue
            inside = box.x0 >= -1 and box.x1 <= width + 1
            inside &= box.y0 >= -1 and box.y1 <= height + 1
            assert inside or _is_tick_outside(text), text.get_text()
        assert len(str(figure.get_label())) > 20, "needs a description"
        return figure

    return check


def _is_tick_outside(text: Text) -> bool:
    """Matplotlib keeps ticks beyond the limits, which it does not draw."""
    axes = text.axes
    assert axes is not None
    ticks = [*axes.xaxis.get_majorticklabels(), *axes.yaxis.get_majorticklabels()]
    ticks += [*axes.xaxis.get_minorticklabels(), *axes.yaxis.get_minorticklabels()]
    return any(text is tick for tick in ticks)
