"""One card an edge: formula with errors, share, range, alternatives, how sure it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from discovery.report.network_svg import edge_id
from visualize.labels import (
    digits_within,
    number,
    percent,
    pretty_unit,
    score,
    with_error,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EdgeCard:
    """What the page tells about one edge.

    Attributes:
        id: address in the page;  edge: "source -> target" for the scripts.
        source, target, family: names;  share: of the variation of the latent.
        formula, latex: the closed form as text and to draw.
        constants: name and "value ± error unit" of each of its constants.
        facts: label and text: range, alternatives, inclusion, tests, notes.
        dropped, refused: what became of it.
    """

    id: str
    edge: str
    source: str
    target: str
    family: str
    share: str
    formula: str = ""
    latex: str = ""
    constants: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    dropped: bool = False
    refused: bool = False


def edge_cards(
    edges: "pd.DataFrame", constants: "pd.DataFrame", units: Mapping[str, str]
) -> list[EdgeCard]:
    """Return the cards of a table of edges, important ones first, dropped ones last.

    Args:
        edges: columns as in ``edges.csv``.
        constants: one row a constant with latent, source, estimate, error and unit.
        units: column or latent -> unit.
    """
    rows: Any = edges.to_dict("records")
    listed: Any = constants.to_dict("records") if len(constants) else []
    cards = [_card(row, listed, units) for row in rows]
    shares = [_number(row.get("importance")) or 0.0 for row in rows]
    order = sorted(
        range(len(cards)), key=lambda i: (cards[i].dropped, -shares[i], cards[i].edge)
    )
    return [cards[i] for i in order]


def _card(
    row: Mapping[str, Any],
    constants: Sequence[Mapping[str, Any]],
    units: Mapping[str, str],
) -> EdgeCard:
    source, target = str(row["source"]), str(row["target"])
    dropped, refused = row.get("status") == "dropped", row.get("status") == "refused"
    # Constants belong to an edge by source and latent; those of nodes with several
    # sources stand in the table only.
    own = [
        (str(constant["constant"]), _valued(constant))
        for constant in constants
        if constant.get("source") == source
        and constant.get("latent") == row.get("latent")
    ]
    return EdgeCard(
        id=edge_id(source, target),
        edge=f"{source} -> {target}",
        source=source,
        target=target,
        family="dropped" if dropped else "refused" if refused else _text(row, "family"),
        share=percent(_number(row.get("importance")) or 0.0),
        formula=_text(row, "formula"),
        latex=_text(row, "latex"),
        constants=[] if dropped else own,
        facts=_facts(row, units.get(source, "")),
        dropped=dropped,
        refused=refused,
    )


def _valued(row: Mapping[str, Any]) -> str:
    unit = row.get("unit")
    text = with_error(float(row["estimate"]), float(row["error"]))
    return f"{text} {pretty_unit(unit)}" if isinstance(unit, str) and unit else text


def _facts(row: Mapping[str, Any], unit: str) -> list[tuple[str, str]]:
    """What is known beside the formula; what is not known is left out."""
    family = _text(row, "family")
    others = [
        name for name in _text(row, "equals").split(", ") if name and name != family
    ]
    inside = [
        name
        for name in _text(row, "families_inside").split(", ")
        if name and name not in (family, "constant")
    ]
    inclusion, r2 = _number(row.get("inclusion")), _number(row.get("r2"))
    facts = {
        # Classes have numbers for codes, and no range between them.
        "data from": "" if family == "classes" else _range(row, unit),
        "the data cannot tell it from": ", ".join(others),
        "also inside the band": ", ".join(inside)
        if row.get("status") == "closed"
        else "",
        "kept in resamples": "" if inclusion is None else percent(inclusion),
        "tests say": _text(row, "asked"),
        "could be replaced by": _text(row, "cannot_tell_from"),
        "agrees with the learned curve": "" if r2 is None else f"R² = {score(r2)}",
        "why": _text(row, "reason"),
    }
    return [(label, text) for label, text in facts.items() if text]


def _range(row: Mapping[str, Any], unit: str) -> str:
    low, high = _number(row.get("low")), _number(row.get("high"))
    if low is None or high is None:
        return ""
    digits, shown = digits_within(low, high), pretty_unit(unit)
    if shown[:1].isdigit():  # a power of ten belongs to the numbers
        shown = f"· {shown}"
    return f"{number(low, digits)} to {number(high, digits)} {shown}".strip()


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    try:
        number_read = float(value)
    except (TypeError, ValueError):
        return None
    return number_read if math.isfinite(number_read) else None
