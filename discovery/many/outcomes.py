"""What the runs of a sweep are asked, and what they came to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discovery.many.sites import Site


@dataclass(frozen=True)
class Task:
    """One discovery of a sweep, as plain data that travels to a worker.

    Attributes:
        label: value of the column.
        settings: of its configuration, `out` included.
    """

    label: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one discovery of a sweep came to.

    Attributes:
        label: value of the column.
        facts: what the run says, `discovery.report.compare.Fact` as plain data.
        rows: observations that it used.
        error: why there is no run, or "".
    """

    label: str
    facts: tuple[dict[str, Any], ...] = ()
    rows: int = 0
    error: str = ""


@dataclass(frozen=True)
class Sweep:
    """The outcomes of all values, in the order of the column's values."""

    over: str
    folder: Path
    sites: tuple[Site, ...]
    outcomes: tuple[Outcome, ...] = ()

    def sentence(self) -> str:
        """Return how it went, for the end of the command."""
        failed = [outcome for outcome in self.outcomes if outcome.error]
        counts: dict[str, int] = {}
        for outcome in self.outcomes:
            for fact in outcome.facts:
                if fact["kind"] == "verdict":
                    counts[fact["text"]] = counts.get(fact["text"], 0) + 1
        parts = [f"{count} {verdict}" for verdict, count in sorted(counts.items())]
        if failed:
            parts.append(
                f"{len(failed)} without a run ({failed[0].label}: {failed[0].error})"
            )
        return f"{len(self.outcomes)} values of {self.over}: {', '.join(parts)}"
