"""Learned curves with closed form, band and density of the data, as plain data."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.views.plain import brief, spread

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from sciren.data import Table
    from symbolic import EdgeCurve

BINS = 40  # of the density: as in `visualize.curves`
SAMPLE = 2000  # values that stand for a density: two digits of every bin
POINTS = 161  # of a curve: two pixels each in the page


def curve_views(discovery: "Discovery", table: "Table") -> list[dict[str, Any]]:
    """Return one row a surviving edge of the network.

    ``x``, ``spline`` and ``formula`` (nothing where refused or dropped) on one grid, in
    raw units of the feature and the printed unit of the latent, mean zero over the data;
    ``edges`` and ``density`` of the source's values. Nothing for an encoder that is a black box.
    """
    from sciren.edges import edge_layers
    from symbolic import edge_curves

    model = discovery.network()
    if not edge_layers(model.encoder):
        return []
    rows = []
    for curve in edge_curves(model, table, discovery.equations):
        finite = curve.data[np.isfinite(curve.data)]
        grid = spread(len(curve.x), POINTS)
        formula = None if curve.formula is None else brief(curve.formula[grid])
        counts, edges = np.histogram(finite, bins=BINS, range=(curve.low, curve.high))
        if curve.labels:  # a class is no place on a line: one bar each
            counts = np.array([np.sum(finite == value) for value in curve.x])
            edges = np.arange(len(curve.x) + 1) - 0.5
        rows.append(
            {
                "layer": curve.layer,
                "source": curve.source,
                "target": curve.target,
                "unit": curve.unit,
                "target_unit": curve.target_unit,
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
                "by_class": {
                    label: brief(values[grid])
                    for label, values in curve.by_class.items()
                },
            }
        )
    return rows


def stored_curves(views: Sequence[Mapping[str, Any]]) -> "list[EdgeCurve]":
    """Return curves as they lie in ``views.json``; a density stands for its values."""
    from symbolic import EdgeCurve

    curves = []
    for view in views:
        edges = numbers_of(view["edges"])
        # The values themselves are not stored: as many copies of each bin's middle as
        # its share of SAMPLE draw the same histogram again.
        middle = 0.5 * (edges[1:] + edges[:-1])
        if view.get("labels"):
            middle = numbers_of(view["x"])
        counts = np.round(numbers_of(view["density"]) * SAMPLE).astype(int)
        formula = view["formula"]
        # No formula, and none was refused: the equation leaves the edge out.
        dropped = formula is None and not view["refused"]
        curves.append(
            EdgeCurve(
                view["layer"], view["source"], view["target"], view["unit"],
                numbers_of(view["x"]), numbers_of(view["spline"]),
                None if formula is None else numbers_of(formula),
                np.repeat(middle, counts), view["importance"],
                "dropped" if dropped else view["family"],
                "the equation needs none" if dropped else view["label"],
                view["refused"], view.get("target_unit", ""),
                labels=tuple(view.get("labels") or ()),
                by_class={
                    label: numbers_of(values)
                    for label, values in (view.get("by_class") or {}).items()
                },
            )
        )  # fmt: skip
    return curves


def numbers_of(values: Sequence[float | None]) -> np.ndarray:
    """Return plain values as an array, nothing as nan."""
    return np.array([np.nan if v is None else v for v in values], dtype=float)
