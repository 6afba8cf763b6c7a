"""The tables of a sweep: one row a value, and one row a fact."""

from typing import TYPE_CHECKING, Any

from discovery.many.outcomes import Sweep

if TYPE_CHECKING:
    import pandas as pd


def facts_frame(result: Sweep) -> "pd.DataFrame":
    """Return value, kind, name, text, value, low, high, unit of everything."""
    import pandas as pd

    rows = [
        {result.over: outcome.label} | fact
        for outcome in result.outcomes
        for fact in outcome.facts
    ]
    return pd.DataFrame(rows)


def site_frame(result: Sweep) -> "pd.DataFrame":
    """Return one row a value.

    Columns: the value, ``rows``, ``verdict``, ``consistency``, each equation under its
    latent, each constant with ``_low`` and ``_high``, scores, ``lon``, ``lat`` where they
    are known, ``error``.
    """
    import pandas as pd

    places = {site.label: site.place for site in result.sites}
    rows = []
    for outcome in result.outcomes:
        row: dict[str, Any] = {result.over: outcome.label, "rows": outcome.rows}
        for fact in outcome.facts:
            row |= _cells(fact)
        place = places[outcome.label]
        row |= {"lon": place[0], "lat": place[1]} if place else {}
        rows.append(row | {"error": outcome.error})
    frame: Any = pd.DataFrame(rows)
    # Columns come from the facts of all runs; these three go to the end.
    last = [name for name in ("lon", "lat", "error") if name in frame]
    return frame[[*(name for name in frame if name not in last), *last]]


def _cells(fact: dict[str, Any]) -> dict[str, Any]:
    kind, name = fact["kind"], fact["name"]
    if kind == "constant":
        held = ", not identified" not in fact["text"]
        limits = {f"{name}_low": fact["low"], f"{name}_high": fact["high"]}
        return {name: fact["value"], **limits, f"{name}_identified": held}
    if kind == "score":
        return {name: fact["value"]}
    return {name if kind == "equation" else kind: fact["text"]}


def mapped_column(frame: "pd.DataFrame") -> str | None:
    """Return what a map shows: the first constant, else the first score."""
    constants = [name for name in frame if f"{name}_low" in frame]
    scores = [name for name in frame if str(name).startswith("R2 of")]
    listed = [str(name) for name in (*constants, *scores)]
    return listed[0] if listed else None
