"""The stored figures of a run as data addresses: what a page without scripts shows."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200  # twice the 100 pixels an inch at which pictures are shown
PLACES = {  # beginning of a picture's name -> section, caption
    "graph": ("look", "Encoder and process: width by importance, colour by family."),
    "edges": ("look", "Learned function, closed form and data of each edge."),
    "profile": ("constants", "Loss when a constant is held at a value and the rest refit."),
    "observed": ("fit", "Predicted against observed."),
    "latents": ("truth", "Estimated against true latent."),
    "history": ("training", "Terms of the loss during training."),
}  # fmt: skip
OTHER = "pictures"


@dataclass(frozen=True)
class Picture:
    """One picture of the page: data address, width in pixels, caption, description."""

    name: str
    address: str
    width: int
    caption: str
    alt: str


def pictures(
    figures: "Mapping[str, Figure | bytes]", captions: Mapping[str, str]
) -> dict[str, list[Picture]]:
    """Return section -> pictures, in the order of the known names."""
    known = list(PLACES)

    def rank(name: str) -> int:
        return next((i for i, start in enumerate(known) if name.startswith(start)), 99)

    sections: dict[str, list[Picture]] = {}
    for name in sorted(figures, key=rank):
        start = next((start for start in known if name.startswith(start)), "")
        section, usual = PLACES.get(start, (OTHER, name.replace("_", " ")))
        caption = captions.get(name, usual)
        sections.setdefault(section, []).append(_picture(name, figures[name], caption))
    return sections


def _picture(name: str, figure: "Figure | bytes", caption: str) -> Picture:
    if isinstance(figure, bytes):
        content, alt = figure, caption
        # A PNG holds its width in bytes 16 to 19, first in its header.
        width = int.from_bytes(content[16:20], "big") // 2  # of the PNG header
    else:
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI)
        content, alt = stream.getvalue(), str(figure.get_label()) or caption
        width = round(figure.get_figwidth() * DPI / 2)
    from visualize.paper.palette import smaller

    encoded = base64.b64encode(smaller(content)).decode("ascii")
    return Picture(name, f"data:image/png;base64,{encoded}", width, caption, alt)
