"""What the tests of selection say of every edge, beside the table of edges."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def with_tests(edges: "pd.DataFrame", candidates: "pd.DataFrame") -> "pd.DataFrame":
    """Add what the data say about every edge from a feature, where they were asked.

    Columns: asked (kept, undecided or excluded), inclusion (share of resamples that kept
    the edge), cannot_tell_from (edges that could stand in its place).

    Args:
        edges: table of edges of the equations.
        candidates: everything that was tried; see `candidates_table`.
    """
    # No tests were made: black boxes, series, too many edges.
    if "status" not in candidates:
        return edges
    asked: Any = candidates[candidates["stage"] == "tests"]
    row_of = {(row["feature"], row["latent"]): row for row in asked.to_dict("records")}
    # An edge from a hidden node was not asked about and gets empty cells.
    rows = [
        row_of.get(ends, {})
        for ends in zip(edges["source"], edges["latent"], strict=True)
    ]
    return edges.assign(
        asked=[row.get("status", "") for row in rows],
        inclusion=[row.get("inclusion", math.nan) for row in rows],
        cannot_tell_from=[row.get("cannot_tell_from", "") for row in rows],
    )
