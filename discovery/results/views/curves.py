"""Learned curves with closed form, band and density of the data, as plain data."""

from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.views.plain import brief, spread

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from sciren.data import Table

BINS = 40  # of the density: as in `visualize.curves`
POINTS = 161  # of a curve: two pixels each in the page


def curve_views(discovery: "Discovery", table: "Table") -> list[dict[str, Any]]:
    """Return one row a surviving edge of the network.

    ``x``, ``spline`` and ``formula`` (nothing where refused or dropped) on one grid, in
    raw units, mean zero over the data; ``edges`` and ``density`` of the source's
    values. Nothing for an encoder that is a black box.
    """
    from sciren.edges import edge_layers
    from symbolic import edge_curves

    model = discovery.network()
    if not edge_layers(model.encoder):
        return []
    rows = []
    for curve in edge_curves(model, table, discovery.equations):
        known = curve.data[np.isfinite(curve.data)]
        grid = spread(len(curve.x), POINTS)
        formula = None if curve.formula is None else brief(curve.formula[grid])
        counts, edges = np.histogram(known, bins=BINS, range=(curve.low, curve.high))
        if curve.labels:  # a class is no place on a line: one bar each
            counts = np.array([np.sum(known == value) for value in curve.x])
            edges = np.arange(len(curve.x) + 1) - 0.5
        rows.append(
            {
                "layer": curve.layer,
                "source": curve.source,
                "target": curve.target,
                "unit": curve.unit,
                "x": brief(curve.x[grid]),
                "spline": brief(curve.spline[grid]),
                "formula": formula,
                "edges": brief(edges),
                "density": brief(counts / max(counts.sum(), 1)),
                "family": curve.family,
                "label": curve.label,
                "importance": curve.importance,
                "refused": curve.refused,
                "labels": list(curve.labels),
            }
        )
    return rows
