"""The report of a run: one self-contained HTML page with every number and picture."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.report.tables import (
    TableView,
    constants_table,
    edges_table,
    facts_table,
    metrics_table,
    plain_table,
    verification_table,
)
from discovery.runs.files import write_text
from sciren.errors import ColumnError
from visualize.labels import pretty_unit

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template
    from matplotlib.figure import Figure

    from discovery.verdict.record import Verdict

_DPI = 200  # twice the 100 pixels an inch at which pictures are shown
_WIDTH = 880  # pixels that an equation may take on the page
_PLACES = {  # beginning of a picture's name -> section, caption
    "graph": ("network", "Encoder and process: width by importance, colour by family."),
    "edges": ("network", "Learned function, closed form and data of each edge."),
    "profile": (
        "constants",
        "Loss when a constant is held at a value and the rest refit.",
    ),
    "observed": ("fit", "Predicted against observed."),
    "latents": ("fit", "Estimated against true latent."),
    "history": ("training", "Terms of the loss during training."),
}
_OTHER = "pictures"
_SECTIONS = (  # name in addresses, heading, parts of which one must be there
    ("equations", "Equations", {"equations"}),
    ("constants", "Constants", {"constants", "profiles"}),
    ("fit", "Fit", {"metrics", "fit"}),
    ("network", "Network", {"edges", "network"}),
    ("verdict", "Verdict", {"verdict"}),
    ("verification", "Consistency", {"verification"}),
    ("data", "Data", {"data"}),
    ("training", "Training", {"training"}),
    ("pictures", "More pictures", {"pictures"}),
    ("provenance", "Provenance", {"provenance"}),
)


@dataclass(frozen=True)
class ReportEquation:
    """One equation to show and to copy.

    Args:
        name: left-hand side, e.g. ``rb``.
        latex: the whole equation; may use ``aligned`` and ``cases``.
        text: the same as plain text.
        unit: unit of the left-hand side, free text.
        meaning: short phrase about the left-hand side.
    """

    name: str
    latex: str
    text: str
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows; what is empty is left out.

    Args:
        title: heading of the page.
        summary: notes on what was found, folded where there is a verdict.
        equations: one per latent.
        decoder: equation of the process model.
        constants: one row a constant: constant, estimate, error, unit, ...
        metrics: one row a split, model and target: split, model, target, r2, rmse, n.
        edges: `SymbolicModel.edges`.
        verification: consistency of equation and network: check, number, tolerance,
            passed, one row a check.
        profiles: one row a constant: what its profile says.
        data: label -> value: rows read, filtered, dropped by reason, sizes of splits.
        warnings: sentences that a reader must not miss.
        figures: name -> figure or bytes of a PNG; names beginning with graph, edges,
            profile, observed, latents or history find their section.
        captions: name of a figure -> caption, where the usual one does not do.
        provenance: label -> value: versions, seed, hash of the data.
        config: the configuration as YAML.
        verdict: headline, three answers and reasons; the first block of the page.
        controls: one sentence a placebo or wrong process, where they were run.
    Raises:
        ColumnError: the verification has no column check or passed.
    """

    title: str
    summary: Sequence[str] = ()
    equations: Sequence[ReportEquation] = ()
    decoder: ReportEquation | None = None
    constants: "pd.DataFrame | None" = None
    metrics: "pd.DataFrame | None" = None
    edges: "pd.DataFrame | None" = None
    verification: "pd.DataFrame | None" = None
    profiles: "pd.DataFrame | None" = None
    candidates: "pd.DataFrame | None" = None
    data: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    figures: "Mapping[str, Figure | bytes]" = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    verdict: "Verdict | None" = None
    controls: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.verification is None:
            return
        for column in ("check", "passed"):
            if column not in self.verification.columns:
                raise ColumnError(
                    f"the verification has no column {column!r}; it has "
                    f"{', '.join(map(str, self.verification.columns))}"
                )

    @property
    def consistency(self) -> str:
        """``"PASS"``, ``"FAIL"``, or ``"NOT VERIFIED"`` when nothing was checked."""
        if self.verification is None or self.verification.empty:
            return "NOT VERIFIED"
        return "FAIL" if self.failed else "PASS"

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        if self.verification is None:
            return []
        rows = zip(self.verification["check"], self.verification["passed"], strict=True)
        return [str(check) for check, passed in rows if not passed]


@dataclass(frozen=True)
class Picture:
    """One picture of the page: data address, width in pixels, caption, description."""

    address: str
    width: int
    caption: str
    alt: str


def save_report(data: ReportData, path: str | Path) -> Path:
    """Write the report to a file, whole or not at all, and return its path."""
    target = Path(path)
    write_text(target, render_report(data))
    return target


def render_report(data: ReportData) -> str:
    """Return the report as one HTML page that needs nothing else.

    Equal data give equal pages: nothing depends on the date or the machine.
    """
    tables: dict[str, TableView | None] = {
        "constants": _view(data.constants, constants_table),
        "profiles": _view(data.profiles, _profiles_table),
        "metrics": _view(data.metrics, metrics_table),
        "edges": _view(data.edges, edges_table),
        "verification": _view(data.verification, verification_table),
        "candidates": _view(data.candidates, _candidates_table),
        "verdict": _reasons(data.verdict),
    }
    pictures = _pictures(data)
    present = {name for name, table in tables.items() if table} | set(pictures)
    present |= {"equations"} if data.equations or data.decoder else set()
    present |= {"verdict"} if data.controls else set()
    present |= {"data"} if data.data else set()
    present |= {"provenance"} if data.provenance or data.config else set()
    page = _template().render(
        report=data,
        tables=tables,
        pictures=pictures,
        sections=[(i, name) for i, name, parts in _SECTIONS if present & parts],
        data_facts=facts_table(data.data),
        provenance=facts_table(data.provenance),
    )
    return page.lstrip()


def _view(frame: "pd.DataFrame | None", make: Any) -> TableView | None:
    return None if frame is None or frame.empty else make(frame)


def _candidates_table(frame: "pd.DataFrame") -> TableView:
    return plain_table(
        frame, "Candidates from the simplest to the most accurate equation."
    )


def _reasons(verdict: "Verdict | None") -> TableView | None:
    """Everything that was asked for the verdict, with number and limit."""
    import pandas as pd

    if verdict is None or not verdict.reasons:
        return None
    rows = [
        {
            "part": reason.part,
            "about": reason.subject,
            "answer": "holds" if reason.holds else "does not hold",
            "number": reason.number,
            "limit": reason.limit,
            "reason": reason.sentence,
            "next step": reason.next_step,
        }
        for reason in verdict.reasons
    ]
    frame = pd.DataFrame(rows)
    return plain_table(frame, "What was asked, most important first.")


def _profiles_table(frame: "pd.DataFrame") -> TableView:
    return plain_table(frame, "What the profile of each constant says.")


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("discovery", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"typeset": _typeset, "unit": pretty_unit}
    return environment.get_template("report.html")


def _typeset(latex: str, text: str = "", size: float = 22.0) -> Any:
    """Equation as an SVG element, or nothing where it cannot be drawn."""
    from markupsafe import Markup

    from visualize.equations import equation_svg

    svg = equation_svg(latex, text, size, _WIDTH) if latex else None
    return Markup(svg) if svg else ""


def _pictures(data: ReportData) -> dict[str, list[Picture]]:
    """Pictures of each section, in the order of the known names."""
    known = list(_PLACES)

    def rank(name: str) -> int:
        return next((i for i, start in enumerate(known) if name.startswith(start)), 99)

    sections: dict[str, list[Picture]] = {}
    for name in sorted(data.figures, key=rank):
        start = next((start for start in known if name.startswith(start)), "")
        section, usual = _PLACES.get(start, (_OTHER, name.replace("_", " ")))
        caption = data.captions.get(name, usual)
        picture = _picture(data.figures[name], caption)
        sections.setdefault(section, []).append(picture)
    return sections


def _picture(figure: "Figure | bytes", caption: str) -> Picture:
    if isinstance(figure, bytes):
        content, alt = figure, caption
        width = int.from_bytes(content[16:20], "big") // 2  # of the PNG header
    else:
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_DPI)
        content, alt = stream.getvalue(), str(figure.get_label()) or caption
        width = round(figure.get_figwidth() * _DPI / 2)
    encoded = base64.b64encode(content).decode("ascii")
    return Picture(f"data:image/png;base64,{encoded}", width, caption, alt)
