"""Draw the formulas of a page as SVG, so that the manual needs no script of another host."""

import re
from html import escape
from typing import Any

from visualize.equations import equation_svg

_CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$])\$([^$\n]+?)\$(?!\d)")
DISPLAY, INLINE = 20.0, 16.0  # pixels


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace $...$ and $$...$$ outside code; what cannot be drawn stays as code."""
    parts = _CODE.split(markdown)
    drawn = [part if k % 2 else _drawn(part) for k, part in enumerate(parts)]
    return "".join(drawn)


def _drawn(text: str) -> str:
    text = _DISPLAY.sub(lambda found: f"\n<div>{_svg(found[1], DISPLAY)}</div>\n", text)
    return _INLINE.sub(lambda found: _svg(found[1], INLINE), text)


def _svg(latex: str, size: float) -> str:
    words = " ".join(latex.split())
    svg = equation_svg(words, words, size)
    if svg is None:
        return f"<code>{escape(words)}</code>"
    return svg.replace("<svg ", '<svg style="vertical-align: -0.35em" ', 1)
