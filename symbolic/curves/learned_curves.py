"""Learned curves beside their closed forms, in raw units: what pictures draw."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sciren.data.kinds import Categorical, FeatureKind
from sciren.data.table import Table
from sciren.model import ScIReN
from symbolic.curves.edge_curve import EdgeCurve
from symbolic.curves.extract import Curve, NodeCurves, extract
from symbolic.curves.factor_curves import factor_curves, factor_sources
from symbolic.families.class_effects import ClassEffects
from symbolic.model.record import EquationRecord
from symbolic.search.starting import hidden_name
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product
from symbolic.terms.structure import LatentStructure

SAMPLE = 2000  # values of the source for the density strip


def edge_curves(
    model: ScIReN, table: Table, symbolic: EquationRecord | None = None
) -> list[EdgeCurve]:
    """Return every surviving edge of a model with its closed form, if there is one.

    Args:
        model: trained, with at most one hidden layer.
        table: rows whose range and density are shown.
        symbolic: its equations; without them only the splines are returned.
    Returns:
        Curves in raw units of the features, centred on the rows, those that enter a latent
        in the unit in which it is printed (see `EquationRecord.printed_unit`). A closed form that
        enters its latent is drawn as the equations have it, however far from the curve;
        where they use another scale inside a hidden node, their inner curves are drawn
        on the network's scale (least squares), which the outer function undoes. Factors of
        a product follow as they are written; the network has no curve of a factor, and
        what it had in the place of the product is left out.
    """
    structures = {s.name: s for s in symbolic.structures} if symbolic else {}
    z = model.scaled(table.features).numpy()
    curves: list[EdgeCurve] = []
    for latent in extract(model, table):
        structure = structures.get(latent.name)
        factor, unit = symbolic.printed_unit(latent.name) if symbolic else (1.0, "")
        first = len(curves)
        factors = factor_curves(table, structure, symbolic)
        replaced = factor_sources(structure)
        for curve in latent.edges:
            # beside the factor it would look like another reading of the same thing
            if curve.source in replaced and _term(structure, curve.source) is None:
                continue
            curves.append(
                _direct(
                    model, table, curve, latent.name, latent.name, structure, symbolic
                )
            )
        # hidden nodes of network and equations may stand in another order
        closed = _closed_nodes(latent.nodes, structure, z)
        for h, (node, number) in enumerate(zip(latent.nodes, closed, strict=True)):
            if factors and number is None:
                continue  # a product is there, which has the same values by other curves
            label, name = hidden_name(h, latent.name), latent.name
            written = name if number is None else hidden_name(number, name)
            turned, formula = _matched(node, structure, number, z)
            inner = [
                _direct(model, table, curve, label, written, structure, symbolic)
                for curve in turned.inner
            ]
            outer = _outer(turned.outer, label, name, written, symbolic, formula)
            if symbolic and number is None:  # dissolved: its edges are direct terms
                share = sum(curve.importance for curve in inner)
                outer = replace(outer, family="linear", importance=share)
            curves += [*inner, outer]
        curves += factors
        curves[first:] = [
            _in_unit(curve, factor, unit) if curve.target == latent.name else curve
            for curve in curves[first:]
        ]
    hidden = getattr(model.encoder, "hidden", ())
    return curves if hidden else sorted(curves, key=lambda curve: -curve.importance)


def _in_unit(curve: EdgeCurve, factor: float, unit: str) -> EdgeCurve:
    return replace(
        curve,
        spline=factor * curve.spline,
        formula=None if curve.formula is None else factor * curve.formula,
        by_class={label: factor * y for label, y in curve.by_class.items()},
        target_unit=unit,
    )


def _direct(
    model: ScIReN,
    table: Table,
    curve: Curve,
    target: str,
    written: str,
    structure: LatentStructure | None,
    symbolic: EquationRecord | None,
) -> EdgeCurve:
    """Curve of an edge into `target`, which the equations call `written`."""
    i = curve.source
    name = table.feature_names[i]
    x = float(model.feature_shift[i]) + float(model.feature_scale[i]) * curve.x
    values = table.features[:, i].numpy()
    # every so many values of the column, sorted: the strip shows density only
    step = max(1, len(values) // SAMPLE)
    term = _term(structure, i)
    formula = None
    if structure is not None and term is not None and term.form is not None:
        # what enters the latent itself has its unit; inside a node the scale is free
        direct = target == structure.name and term in structure.edges
        own = _centred(curve, term.value(curve.x))
        formula = own if direct else _scaled(curve, own)
    row = _row(symbolic, name, written)
    slopes = _slopes(structure, curve)
    # the curve is drawn once for each class, and its row tells the slopes together
    if slopes is not None and symbolic is not None:
        formula, edges = slopes[MEAN], symbolic.edges
        row = {
            "family": "linear",
            "formula": f"a slope for each of {len(slopes) - 1} classes",
            "importance": edges.loc[edges["source"] == name, "importance"].sum(),
        }
    refused = term is not None and term.form is None
    return EdgeCurve(
        0,
        name,
        target,
        table.units.get(name, ""),
        x,
        _centred(curve, curve.y),
        formula,
        np.sort(values[::step]),
        float(row.get("importance") or 0.0),
        str(row.get("family", "") or ""),
        str(row.get("formula", "") or ""),
        refused,
        labels=_labels(curve.kind, x),
        by_class={k: v for k, v in (slopes or {}).items() if k != MEAN},
    )


MEAN = ""
"""Stands for the mean of all classes."""


def _slopes(
    structure: LatentStructure | None, curve: Curve
) -> dict[str, np.ndarray] | None:
    """Return class -> closed form along a feature, centred, with `MEAN` for their mean.

    None where the classes have no slopes of their own by the feature.
    """
    if structure is None:
        return None
    for node in structure.nodes:
        if not (isinstance(node, Product) and node.of_classes):
            continue
        slopes, line = node.factors
        form = slopes.edge.form
        if line.edge.source != curve.source or not isinstance(form, ClassEffects):
            continue
        own = [e.value(curve.x) for e in structure.edges if e.source == curve.source]
        alone = np.sum(own, axis=0) if own else 0.0
        along = line.edge.value(curve.x)
        sizes = dict(zip(form.kind.labels, form.effects(slopes.edge.full), strict=True))
        return {
            label: _centred(curve, alone + (slopes.offset + size) * along)
            for label, size in {MEAN: 0.0, **sizes}.items()
        }
    return None


def _labels(kind: FeatureKind, x: np.ndarray) -> tuple[str, ...]:
    """Names of classes at their numbers; none for amounts."""
    named = isinstance(kind, Categorical)
    return tuple(kind.shown(value) for value in x.tolist()) if named else ()


def _outer(
    curve: Curve,
    label: str,
    latent: str,
    written: str,
    symbolic: EquationRecord | None,
    formula: np.ndarray | None,
) -> EdgeCurve:
    row = _row(symbolic, written, latent)
    # the strip wants values: the grid repeated by its density
    counts = np.maximum((curve.weight / curve.weight.sum() * SAMPLE).round(), 0)
    data = np.repeat(curve.x, counts.astype(int))
    return EdgeCurve(
        1,
        label,
        latent,
        "",
        curve.x,
        _centred(curve, curve.y),
        formula,
        data,
        float(row.get("importance") or 0.0),
        str(row.get("family", "") or ""),
        str(row.get("formula", "") or ""),
        row.get("status") == "refused",
    )


def _closed_nodes(
    nodes: Sequence[NodeCurves], structure: LatentStructure | None, z: np.ndarray
) -> list[int | None]:
    """Node of the equations behind each node of the network, by their indices.

    None where the equations have dissolved a node into direct terms.
    """
    closed = structure.nodes if structure else ()
    likeness = {
        (h, k): _correlation(_index(node, z), term.index(z))
        for h, node in enumerate(nodes)
        for k, term in enumerate(closed)
        if isinstance(term, Node)  # a product has no index that a network could share
    }
    places: list[int | None] = [None] * len(nodes)
    # the likest pair first, each node once
    for h, k in sorted(likeness, key=lambda pair: -likeness[pair]):
        if places[h] is None and k not in places:
            places[h] = k
    return places


def _index(node: NodeCurves, z: np.ndarray) -> np.ndarray:
    """Argument of the outer function of a network's node (n,)."""
    parts = (np.interp(z[:, curve.source], curve.x, curve.y) for curve in node.inner)
    return node.offset + sum(parts, np.zeros(len(z)))


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    size = float((first @ first) * (second @ second))
    return abs(float(first @ second)) / np.sqrt(size) if size > 0 else 0.0


def _matched(
    node: NodeCurves,
    structure: LatentStructure | None,
    number: int | None,
    z: np.ndarray,
) -> tuple[NodeCurves, np.ndarray | None]:
    """Turn a node so that it rises with the formula's index, and give its outer formula.

    The sign of a hidden node is free; network and formula may have chosen differently.
    Their indices are matched by a straight line.
    """
    if structure is None or number is None:
        return node, None
    closed, network = structure.nodes[number], _index(node, z)
    if isinstance(closed, Product) or np.ptp(network) == 0:
        return node, None
    # index of the formula = start + slope * index of the network
    slope, start = np.polyfit(network, closed.index(z), 1)
    if slope < 0:
        node, slope = _turned(node), -slope
    if closed.outer == "spline":
        return node, None
    values = closed.amplitude * closed.shape(start + slope * node.outer.x)[0]
    return node, _centred(node.outer, values)


def _turned(node: NodeCurves) -> NodeCurves:
    """The same node with the opposite sign of its index."""
    inner = tuple(replace(curve, y=-curve.y) for curve in node.inner)
    top = node.outer
    # the axis turns round, so values and density are read from the other end
    outer = replace(top, x=-top.x[::-1], y=top.y[::-1], weight=top.weight[::-1])
    return NodeCurves(inner, -node.offset, outer)


def _term(structure: LatentStructure | None, source: int) -> EdgeTerm | None:
    if structure is None:
        return None
    # with several terms of a feature none of them is the curve alone
    same = [
        edge
        for number, edge in enumerate(structure.all_edges)
        if edge.source == source
        and not isinstance(structure.inside_of(number), Product)
    ]
    return same[0] if len(same) == 1 else None


def _centred(curve: Curve, values: np.ndarray) -> np.ndarray:
    return values - float(curve.weight @ values / curve.weight.sum())


def _scaled(curve: Curve, form: np.ndarray) -> np.ndarray:
    """A centred closed form times the factor that brings it nearest to the curve."""
    size = float(curve.weight @ form**2)
    learned = _centred(curve, curve.y)
    return form * (float(curve.weight @ (form * learned)) / size) if size > 0 else form


def _row(symbolic: EquationRecord | None, source: str, target: str) -> dict[str, Any]:
    if symbolic is None:
        return {}
    edges = symbolic.edges
    rows = edges[(edges.source == source) & (edges.target == target)]
    return dict(rows.iloc[0]) if len(rows) else {}
