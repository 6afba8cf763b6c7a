"""Tables of the report: data frames as cells of text, ready for the template."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from visualize.labels import (
    count,
    interval,
    number,
    percent,
    pretty_unit,
    score,
    with_error,
)

if TYPE_CHECKING:
    import pandas as pd

_HEADINGS = {
    "r2": "R²", "rmse": "RMSE", "mae": "MAE", "kl": "KL", "median_nse": "median NSE",
    "median_kge": "median KGE",
}  # fmt: skip
_DIGITS, _MOST = 4, 9  # significant digits
SHORT, LONG = (
    20,
    40,
)  # characters of a cell that stays in one line, and of one that is wide
_ENDS = ("95 % from", "95 % to")
_PERFECT_IS_ONE = ("r2", "median_nse", "median_kge")
_SCORES = ("rmse", "mae", "bias", "kl")
_EDGE_COLUMNS = (
    "edge",
    "importance",
    "family",
    "formula",
    "r2",
    "gap",
    "range",
    "note",
)


@dataclass(frozen=True)
class Cell:
    """One cell: its text, how it looks, LaTeX where it can be typeset, and its number."""

    text: str
    kind: str = ""  # "number", "pass", "fail", "note", "short" or nothing
    latex: str = ""
    value: float | None = None  # what scripts sort by


@dataclass(frozen=True)
class TableView:
    """A table as the template draws it.

    Args:
        caption: one line about what is in it.
        headings: text of each column and whether it holds numbers.
        rows: cells of each row.
        faint: rows that matter less (dropped edges).
    """

    caption: str
    headings: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[Cell]]
    faint: frozenset[int] = frozenset()


def plain_table(frame: "pd.DataFrame", caption: str) -> TableView:
    """Show a data frame as it is; columns without any value are left out."""
    records = _records(frame)
    names = [name for name in frame.columns if any(_known(r[name]) for r in records)]
    rows = [[_record_cell(record, str(name)) for name in names] for record in records]
    headings = [
        (heading(str(name)), any(row[i].kind == "number" for row in rows))
        for i, name in enumerate(names)
    ]
    return TableView(caption, headings, rows)


def heading(name: str) -> str:
    """Return a column's name as a heading."""
    return _HEADINGS.get(name, name.replace("_", " "))


def constants_table(frame: "pd.DataFrame") -> TableView:
    """Show estimates rounded to their errors, both in one column."""
    if {"estimate", "error"} <= set(frame.columns):
        pairs = zip(frame["estimate"], frame["error"], strict=True)
        frame = frame.assign(estimate=[with_error(*map(float, pair)) for pair in pairs])
        frame = frame.drop(columns="error")
    return plain_table(frame, "Constants with one standard error.")


def metrics_table(frame: "pd.DataFrame") -> TableView:
    """Put the splits side by side where the frame is long (split, model, target)."""
    keys = [key for key in ("target", "model") if key in frame.columns]
    if (
        "split" not in frame.columns
        or not keys
        # Two rows of the same model and split could not stand side by side.
        or frame.duplicated([*keys, "split"]).any()
    ):
        return plain_table(frame, _FIT)
    measures = [c for c in frame.columns if c not in (*keys, "split", "n")]
    # the rows that chose nothing first: a phone shows two columns
    splits = list(dict.fromkeys(frame["split"]))[::-1]
    row_of: dict[tuple[Any, ...], dict[tuple[Any, Any], Any]] = {}
    for record in _records(frame):
        row = row_of.setdefault(tuple(record[key] for key in keys), {})
        row |= {(name, record["split"]): record[name] for name in measures}
    columns = [(name, split) for name in measures for split in splits]
    columns = [c for c in columns if any(_known(row.get(c)) for row in row_of.values())]
    rows = [
        [
            *(_cell(part, "") for part in key),
            *(_cell(row.get(c), c[0]) for c in columns),
        ]
        for key, row in row_of.items()
    ]
    headings = [(heading(key), False) for key in keys]
    headings += [(f"{heading(str(name))} {split}", True) for name, split in columns]
    return TableView(_FIT + _sizes(frame, splits), headings, rows)


_FIT = "How well each model agrees with the observations."


def _sizes(frame: "pd.DataFrame", splits: Sequence[Any]) -> str:
    """Sentence with the rows of each split, where they are the same for all models."""
    if "n" not in frame.columns:
        return ""
    sizes = {split: set(frame.loc[frame["split"] == split, "n"]) for split in splits}
    # Models that were scored on different rows: no single number would be true.
    if any(len(size) != 1 for size in sizes.values()):
        return ""
    texts = [f"{split} {count(int(size.pop()))}" for split, size in sizes.items()]
    return f" Observed rows: {', '.join(texts)}."


def edges_table(frame: "pd.DataFrame") -> TableView:
    """Show what is known about each edge, important ones first, dropped ones last."""
    records = _records(frame)
    for record in records:
        record["edge"] = (
            f"{record.get('source', '')}\u00a0→\u00a0{record.get('target', '')}"
        )
        record["range"], record["note"] = _range(record), _note(record)
    dropped = [record.get("status") == "dropped" for record in records]
    order = sorted(
        range(len(records)),
        key=lambda i: (dropped[i], -_share(records[i].get("importance"))),
    )
    names = [c for c in _EDGE_COLUMNS if any(_known(r.get(c)) for r in records)]
    rows = [[_edge_cell(records[i], name) for name in names] for i in order]
    headings = [(heading(name), name in ("importance", "r2", "gap")) for name in names]
    faint = frozenset(row for row, i in enumerate(order) if dropped[i])
    return TableView(
        "Edges of the encoder and their closed forms.", headings, rows, faint
    )


def _share(value: Any) -> float:
    return float(value) if _known(value) else 0.0


def _range(record: Mapping[str, Any]) -> str:
    ends = [record.get("low"), record.get("high")]
    if not all(map(_known, ends)):
        return ""
    return "\u00a0to\u00a0".join(
        _real(float(end), "") for end in ends if end is not None
    )


def _note(record: Mapping[str, Any]) -> str:
    """What a reader must know about an edge beside its numbers."""
    notes = []
    if record.get("chosen") == "user":
        notes.append("chosen by the user")
    if _known(record.get("equals")):
        notes.append(f"the data cannot tell it from {record['equals']}")
    if _known(record.get("reason")):
        notes.append(str(record["reason"]))
    return "; ".join(notes)


def _edge_cell(record: Mapping[str, Any], name: str) -> Cell:
    value = record.get(name)
    if name == "importance":
        return Cell(percent(_share(value)), "number", value=_share(value))
    if name == "family" and record.get("status") in ("refused", "dropped"):
        return Cell(str(record["status"]), "short")
    if name == "note":
        return Cell(record["note"], "note" if record["note"] else "")
    if name == "formula" and _known(value):
        latex = record.get("latex")
        return Cell(str(value), latex=str(latex) if _known(latex) else "")
    return _cell(value, name)


def verification_table(frame: "pd.DataFrame") -> TableView:
    """Show number, tolerance and PASS or FAIL of each check."""
    table = plain_table(frame.drop(columns="passed"), "Checks of the equations.")
    verdicts = [
        Cell("PASS", "pass") if passed else Cell("FAIL", "fail")
        for passed in frame["passed"]
    ]
    rows = [[*row, verdict] for row, verdict in zip(table.rows, verdicts, strict=True)]
    return TableView(table.caption, [*table.headings, ("result", False)], rows)


def facts_table(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return pairs of texts of a mapping; nested mappings are flattened."""
    pairs = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}: {inner}", text) for inner, text in facts_table(value)]
        else:
            pairs.append((heading(str(name)), _cell(value, str(name)).text))
    return pairs


def _records(frame: "pd.DataFrame") -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _known(value: Any) -> bool:
    """Whether a cell holds anything; nan and empty texts are nothing."""
    if value is None or (isinstance(value, str) and not value):
        return False
    return not (isinstance(value, Real) and math.isnan(value))


def _record_cell(record: Mapping[Any, Any], name: str) -> Cell:
    """Cell of a column; ends of an interval to the second digit of their distance."""
    cell = _cell(record[name], name)
    ends = [record.get(end) for end in _ENDS]
    if name not in _ENDS or not all(isinstance(e, Real) and _known(e) for e in ends):
        return cell
    texts = interval(*(float(end) for end in ends if end is not None)).split(" to ")
    return replace(cell, text=texts[_ENDS.index(name)])


def _cell(value: Any, name: str) -> Cell:
    """Text of a value after its type, and after its column where that says more."""
    if not _known(value):
        return Cell("")
    # Before the numbers: bool is an Integral, and numpy's is known by its name without
    # importing numpy.
    if type(value).__name__ in ("bool", "bool_"):
        return Cell("yes" if value else "no")
    if isinstance(value, Integral):
        return Cell(count(int(value)), "number", value=int(value))
    if isinstance(value, Real):
        return Cell(_real(float(value), name), "number", value=float(value))
    if isinstance(value, list | tuple):
        return Cell(", ".join(_cell(entry, name).text for entry in value))
    text = pretty_unit(str(value)) if name.endswith("unit") else str(value)
    kind = "note" if len(text) > LONG else "short" if len(text) <= SHORT else ""
    return Cell(text, kind)


def _real(value: float, name: str) -> str:
    """Four digits, more where they would round to a whole number; scores keep zeros."""
    if name in _PERFECT_IS_ONE:
        return score(value)
    if name in _SCORES and 1e-4 <= abs(value) < 1e4:
        # "#" keeps trailing zeros: scores of a column then have equally many digits.
        return f"{value:#.4g}".replace("-", "−")
    digits = _DIGITS
    # 1234.56 must not look like the whole number 1235.
    while digits < _MOST and float(f"{value:.{digits}g}") % 1 == 0 and value % 1:
        digits += 1
    return number(value, digits)
