"""compare: what several runs found, side by side, as text, csv or JSON."""

import json
import math
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.report.summary import equation_texts, score_part, score_text
from discovery.results.scoring import EQUATION, NETWORK
from discovery.runs.files import plain
from discovery.runs.formulas import without_formulas
from discovery.runs.stored import load_discovery
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.record import DiscoveryRecord

_NARROWEST = 24  # letters of a column of text


@dataclass(frozen=True)
class Fact:
    """One thing that a run says.

    Attributes:
        kind: verdict, consistency, equation, constant, score or features.
        name: what it is about, such as a latent, or a target and the part of the rows.
        text: as a person reads it.
        value, low, high: number and 95 % limits, nan where there are none.
        unit: of the numbers.
    """

    kind: str
    name: str
    text: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    unit: str = ""


@dataclass(frozen=True)
class Comparison:
    """Facts of several runs, by the name of the run."""

    facts: dict[str, tuple[Fact, ...]]

    def frame(self) -> "pd.DataFrame":
        """Return one row a fact: run, kind, name, text, value, low, high, unit."""
        import pandas as pd

        rows = [
            {"run": run} | asdict(fact)
            for run, facts in self.facts.items()
            for fact in facts
        ]
        return pd.DataFrame(rows)

    def csv(self) -> str:
        """Return the rows of `frame` as csv."""
        return without_formulas(self.frame()).to_csv(index=False).rstrip("\n")

    def json(self) -> str:
        """Return run -> list of facts; numbers that are not there are null."""
        record = {run: list(map(asdict, facts)) for run, facts in self.facts.items()}
        return json.dumps(plain(record), indent=2, ensure_ascii=False)

    def text(self, width: int | None = None) -> str:
        """Return a table with one line a fact and one column a run.

        Args:
            width: letters of a line; default: of the terminal.
        """
        # Rows of all runs in the order of their first appearance: a run that lacks one
        # shows "-".
        rows = dict.fromkeys(
            (fact.kind, fact.name) for facts in self.facts.values() for fact in facts
        )
        known = {
            run: {(fact.kind, fact.name): fact.text for fact in facts}
            for run, facts in self.facts.items()
        }
        table = [["", *self.facts]]
        table += [
            [_label(*row), *(known[run].get(row, "-") for run in known)] for row in rows
        ]
        return _side_by_side(
            table, width or shutil.get_terminal_size((100, 24)).columns
        )


def compare(runs: Sequence[Path]) -> Comparison:
    """Read what several runs found.

    Args:
        runs: folders of finished runs, at least one.
    Raises:
        ConfigError: no run is named.
        DataError: a folder is no run, or was altered.
    """
    if not runs:
        raise ConfigError("name the folders of the runs to compare")
    names = [run.resolve().name for run in runs]
    # Runs of the same name in different folders are told by their whole path.
    alone = len(set(names)) == len(names)
    return Comparison(
        {
            name if alone else str(run): tuple(facts_of(load_discovery(run)))
            for name, run in zip(names, runs, strict=True)
        }
    )


def facts_of(discovery: "DiscoveryRecord") -> list[Fact]:
    """Return what a run says, the verdict first."""
    facts = [
        Fact("verdict", "", str(discovery.verdict)),
        Fact("consistency", "", discovery.consistency),
    ]
    facts += [
        Fact("equation", name, text, unit=unit)
        for name, text, unit in equation_texts(discovery)
    ]
    facts += map(_constant, discovery.process_constants)
    part, models = score_part(discovery)
    facts += [
        Fact("score", f"R2 of {target}, {part} rows, {model}", score_text(r2), r2)
        for model in (EQUATION, NETWORK)
        for target, scores in models.get(model, {}).items()
        # A target that does not vary has no R2.
        if (r2 := scores["r2"]) is not None
    ]
    used = discovery.equations.used_features() if discovery.equations else ()
    return [*facts, Fact("features", "used", ", ".join(used) or "-")]


def _constant(row: dict[str, Any]) -> Fact:
    from visualize.labels import with_error

    value, error, low, high = (
        float(row[name]) for name in ("estimate", "error", "low", "high")
    )
    unit = str(row["unit"] or "")
    text = f"{with_error(value, error)} {unit}".rstrip()
    if math.isfinite(low):
        text += f" ({low:.4g} to {high:.4g})"
    if row["in_equations"] is not None:
        text += f", in the equations {row['in_equations']['estimate']:.4g}"
    if not row["identified"]:
        text += ", not identified"
    return Fact("constant", str(row["constant"]), text, value, low, high, unit)


def _label(kind: str, name: str) -> str:
    return kind if not name else name if kind != "features" else f"{kind} {name}"


def _side_by_side(table: list[list[str]], width: int) -> str:
    """Lay out cells in columns; long cells go on below."""
    # The first column as wide as its words, up to 40; the runs share the rest, two
    # blanks between them.
    first = min(max(len(row[0]) for row in table), 40)
    others = len(table[0]) - 1
    each = max(_NARROWEST, (width - first) // others - 2)
    widths = [
        min(each, max(len(row[column]) for row in table))
        for column in range(1, others + 1)
    ]
    lines = []
    for row in table:
        cells = [
            textwrap.wrap(cell, size) or [""]
            for cell, size in zip(row, [first, *widths], strict=True)
        ]
        for k in range(max(map(len, cells))):
            parts = (
                (cell[k] if k < len(cell) else "").ljust(size)
                for cell, size in zip(cells, [first, *widths], strict=True)
            )
            lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)
