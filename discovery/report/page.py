"""The report of a run: one self-contained HTML page with every number and picture."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from discovery.report.edge_cards import EdgeCard
from discovery.report.pictures import pictures
from discovery.report.tables import (
    TableView,
    constants_table,
    edges_table,
    facts_table,
    metrics_table,
    plain_table,
    verification_table,
)
from discovery.report.words import explained, glossary, headline_told
from sciren.errors import ColumnError
from visualize.labels import pretty_unit

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template
    from matplotlib.figure import Figure

    from discovery.verdict.record import Verdict

WIDE, NARROW = 860, 310  # pixels that an equation may take on a desktop and a phone
NARROW_SIZES = (18.0, 16.0, 14.0)  # pixels; smaller ones cannot be read on a phone
OPEN = (  # the four questions that every reader has, in their order
    ("found", "What was found", {"equations", "findings"}),
    ("believe", "Whether to believe it", {"verdict"}),
    ("fit", "How well it fits", {"metrics", "fit", "rows", "failures"}),
    ("look", "What it looks like", {"edges", "look", "network"}),
)
FOLDED = (  # name in addresses, heading, parts of which one must be there
    (
        "constants",
        "Constants and their profiles",
        {"constants", "profiles", "estimates"},
    ),
    ("path", "Simpler and more complex equations", {"candidates"}),
    ("fails", "Where it fails: residuals", {"residuals"}),
    ("series", "Along time", {"series"}),
    ("states", "Memory: flow duration, residuals, states", {"states"}),
    ("deviations", "What groups deviate by", {"deviations"}),
    ("sites", "Site by site", {"groups"}),
    ("reach", "Where the data are", {"reach"}),
    ("data", "Data and rows left out", {"data"}),
    ("truth", "Against the truth", {"truth"}),
    ("verification", "Consistency of equation and network", {"verification"}),
    ("code", "Code in five languages", {"codes"}),
    ("training", "Training", {"training", "history"}),
    ("pictures", "More pictures", {"pictures"}),
    ("notes", "Notes", {"notes"}),
    ("provenance", "Provenance and settings", {"provenance"}),
    ("glossary", "Glossary", {"glossary"}),
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
        mathml: the same as a ``math`` element, for screen readers.
    """

    name: str
    latex: str
    text: str
    unit: str = ""
    meaning: str = ""
    mathml: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows; what is empty is left out.

    Args:
        title: heading of the page.
        findings: what was found in three to six sentences of plain words.
        failures: one sentence a target: where the equation fails most clearly.
        summary: notes, folded at the end.
        equations: one per latent.
        decoder: equation of the process model.
        constants: one row a constant: constant, estimate, error, unit, ...
        estimates: `Discovery.constant_estimates`: every number of a constant, and why.
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
        network: graph of the encoder as SVG, for wide and for narrow pages.
        cards: one card an edge.
        codes: language -> source code of the equations.
        browser: what the scripts draw and evaluate, plain data (`browser_data`).
    Raises:
        ColumnError: the verification has no column check or passed.
    """

    title: str
    findings: Sequence[str] = ()
    failures: Sequence[str] = ()
    summary: Sequence[str] = ()
    equations: Sequence[ReportEquation] = ()
    decoder: ReportEquation | None = None
    constants: "pd.DataFrame | None" = None
    estimates: "pd.DataFrame | None" = None
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
    network: tuple[str, str] | None = None
    cards: Sequence[EdgeCard] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    browser: Mapping[str, Any] = field(default_factory=dict)

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


def render_report(data: ReportData) -> str:
    """Return the report as one HTML page that needs nothing else.

    Equal data give equal pages: nothing depends on the date or the machine.
    """
    # 1. Tables as texts. 2. Pictures. 3. Words of the heads. 4. Sections that have
    # content.
    tables: dict[str, TableView | None] = {
        "constants": _view(data.constants, constants_table),
        "estimates": _view(data.estimates, _estimates_table),
        "profiles": _view(data.profiles, _profiles_table),
        "metrics": _view(data.metrics, metrics_table),
        "edges": _view(data.edges, edges_table),
        "verification": _view(data.verification, verification_table),
        "candidates": _view(data.candidates, _candidates_table),
        "verdict": _reasons(data.verdict),
    }
    figures = {
        name: figure
        for name, figure in data.figures.items()
        if not (data.network and name.startswith("graph"))  # the page draws it itself
    }
    drawn = pictures(figures, data.captions)
    headings = [h for table in tables.values() if table for h, _ in table.headings]
    models = [] if data.metrics is None else data.metrics["model"].unique()
    words = glossary(headings, models)
    present = _present(data, tables) | set(drawn) | {"glossary"}
    page = _template().render(
        report=data,
        tables=tables,
        pictures=drawn,
        open=[section for section in OPEN if present & section[2]],
        folded=[section for section in FOLDED if present & section[2]]
        if len(present) > 1
        else [],
        words=words,
        data_facts=facts_table(data.data),
        provenance=facts_table(data.provenance),
        browser=_script_json(data.browser),
        wide=WIDE,
        narrow=NARROW,
    )
    return page.lstrip()


def _present(data: ReportData, tables: Mapping[str, Any]) -> set[str]:
    """Names of the parts that have content."""
    parts = {name for name, table in tables.items() if table}
    parts |= {name for name, value in data.browser.items() if value}
    named = {
        "equations": data.equations or data.decoder,
        "findings": data.findings,
        "failures": data.failures,
        "verdict": data.verdict or data.controls,
        "network": data.network,
        "edges": data.cards,
        "codes": data.codes,
        "data": data.data,
        "notes": data.summary,
        "provenance": data.provenance or data.config,
    }
    return parts | {name for name, value in named.items() if value}


def _script_json(data: Mapping[str, Any]) -> str:
    """Data inside a script element: no text in it can close the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # "</script>" inside a name would end the element; the escape is the same text in
    # JSON.
    return text.replace("<", "\\u003c")


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


def _estimates_table(frame: "pd.DataFrame") -> TableView:
    caption = "Every estimate of a constant of the process; take the recommended one."
    return replace(constants_table(frame), caption=caption)


def _profiles_table(frame: "pd.DataFrame") -> TableView:
    return plain_table(frame, "What the profile of each constant says.")


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("discovery", "templates/report"),
        # Names of columns are texts of strangers; a misspelt variable is an error, not
        # a blank.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "typeset": _typeset, "typeset_narrow": _typeset_narrow,
        "unit": pretty_unit, "explained": explained, "headline_told": headline_told,
    }  # fmt: skip
    return environment.get_template("page.html")


def _typeset(latex: str, text: str = "", size: float = 22.0, width: int = WIDE) -> Any:
    """Equation as an SVG element, or nothing where it cannot be drawn."""
    from markupsafe import Markup

    from visualize.equations import equation_svg

    svg = equation_svg(latex, text, size, width) if latex else None
    # Markup tells autoescape to leave our own SVG alone.
    return Markup(svg) if svg else ""


def _typeset_narrow(latex: str, text: str = "") -> Any:
    """Equation for a phone: as large as fits, and scrolling where none fits."""
    svg = ""
    for size in NARROW_SIZES:
        # Largest size that fits; the last one is taken in any case and scrolls.
        svg = _typeset(latex, text, size, NARROW)
        width = re.search(r'width="(\d+)"', svg)
        if width is None or int(width[1]) <= NARROW:
            break
    return svg
