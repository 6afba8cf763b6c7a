"""Constants of a process and numbers of its groups in plain words."""

import math
import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from discovery.results.identification import first_reason
from discovery.verdict.record import DOUBTED

if TYPE_CHECKING:
    from discovery.results.record import DiscoveryRecord


def group_sentences(discovery: "DiscoveryRecord", most: int) -> list[str]:
    """Say over what range the numbers go that every group has of its own."""
    from visualize.labels import number, unit_behind

    rows: Any = discovery.constants.to_dict("records")
    own: dict[str, list[Any]] = {}
    for row in rows:
        # How `discovery.dynamics.own` names numbers of groups.
        if row["constant"] == f"{row['latent']} of {row['source']}":
            own.setdefault(row["latent"], []).append(row)
    sentences = []
    for name, numbers in list(own.items())[: max(most, 0)]:
        if len(numbers) == 1:
            sentences.append(constant_sentence(numbers[0] | {"constant": name}))
            continue
        values = sorted(row["estimate"] for row in numbers)
        ends = f"{number(values[0])} to {number(values[-1])}"
        unit = unit_behind(numbers[0]["unit"])
        middle = number(statistics.median(values))
        text = f"{name} goes from {ends}{unit} over {len(values)} groups, with {middle}"
        text += " in the middle"
        doubtful = sum(not row["identified"] for row in numbers)
        text += f"; the data do not determine it in {doubtful}" if doubtful else ""
        sentences.append(text)
    return sentences


def two_answers(row: Mapping[str, Any]) -> str:
    """Say behind a recommended number that the equations hold another one, else nothing.

    Args:
        row: of `DiscoveryRecord.process_constants`.
    """
    from visualize.labels import interval, with_error

    other = row.get("in_equations")
    if other is None:
        return ""
    limits = (
        f" (95 % {interval(other['low'], other['high'])})"
        if math.isfinite(other["low"]) and math.isfinite(other["high"])
        else ""
    )
    value = with_error(other["estimate"], other["error"])
    return (
        f"; this is the recommended of two answers, the equations hold {value}{limits}"
    )


def why_not(row: Mapping[str, Any]) -> str:
    """Say why the data do not hold a constant; of two answers the numbers are said."""
    reason = str(row["reason"])
    if row.get("in_equations") is not None and reason.startswith(DOUBTED):
        return "which of them holds depends on the features that may act"
    return reason


def constant_sentence(row: Mapping[str, Any]) -> str:
    """Estimate, interval, and whether the data hold it."""
    from visualize.labels import interval, unit_behind, with_error

    text = f"{row['constant']} is {with_error(row['estimate'], row['error'])}"
    text += unit_behind(row["unit"])
    if math.isfinite(row["low"]) and math.isfinite(row["high"]):
        text += f" (95 % interval {interval(row['low'], row['high'])})"
    text += two_answers(row)
    if row["identified"]:
        return f"{text}; the data determine it"
    if row["identified"] is None:
        return text
    # the others stand in the table of constants
    return f"{text}, but the data do not determine it: {first_reason(why_not(row))}"
