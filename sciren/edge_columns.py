"""Columns of the table of edges, before and after formulas are known; loads no torch."""

EDGE_COLUMNS = (
    "layer", "source", "target", "latent", "importance", "family", "status", "formula",
    "latex", "constants", "r2", "gap", "ambiguous", "equals", "low", "high", "chosen",
    "reason",
)  # fmt: skip
