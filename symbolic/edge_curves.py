"""Learned curves beside their closed forms, in raw units: what pictures draw."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sciren.data.table import Table
from sciren.model import ScIReN
from symbolic.curves import EdgeCurve
from symbolic.extract import Curve, NodeCurves, extract
from symbolic.structure import EdgeTerm, LatentStructure
from symbolic.symbolic_model import SymbolicModel

SAMPLE = 2000  # values of the source for the density strip


@torch.no_grad()
def edge_curves(
    model: ScIReN, table: Table, symbolic: SymbolicModel | None = None
) -> list[EdgeCurve]:
    """Return every surviving edge of a model with its closed form, if there is one.

    Args:
        model: trained, with at most one hidden layer.
        table: rows whose range and density are shown.
        symbolic: its equations; without them only the splines are returned.
    Returns:
        Curves in raw units of the features, centred on the rows. Where equations use
        another scale inside a hidden node, their inner curves are drawn on the
        network's scale (least squares), which the outer function undoes.
    """
    structures = {s.name: s for s in symbolic.structures} if symbolic else {}
    hidden = getattr(model.encoder, "hidden", ())
    found = []
    for latent in extract(model, table):
        structure = structures.get(latent.name)
        for curve in latent.edges:
            found.append(_direct(model, table, curve, latent.name, structure, symbolic))
        for h, node in enumerate(latent.nodes):
            label = f"h{h + 1}_{latent.name}"
            turned, formula = _matched(model, table, node, structure, h)
            for curve in turned.inner:
                found.append(_direct(model, table, curve, label, structure, symbolic))
            found.append(_outer(turned.outer, label, latent.name, symbolic, formula))
    return found if hidden else sorted(found, key=lambda one: -one.importance)


def _direct(
    model: ScIReN,
    table: Table,
    curve: Curve,
    target: str,
    structure: LatentStructure | None,
    symbolic: SymbolicModel | None,
) -> EdgeCurve:
    i = curve.source
    name = table.feature_names[i]
    x = float(model.feature_shift[i]) + float(model.feature_scale[i]) * curve.x
    values = table.features[:, i].numpy()
    step = max(1, len(values) // SAMPLE)
    term = _term(structure, i)
    formula = None if term is None or term.form is None else _fitted(curve, term)
    row = _row(symbolic, name, target)
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
    )


def _outer(
    curve: Curve,
    label: str,
    latent: str,
    symbolic: SymbolicModel | None,
    formula: np.ndarray | None,
) -> EdgeCurve:
    row = _row(symbolic, label, latent)
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


def _matched(
    model: ScIReN,
    table: Table,
    node: NodeCurves,
    structure: LatentStructure | None,
    number: int,
) -> tuple[NodeCurves, np.ndarray | None]:
    """Turn a node so that it rises with the formula's index, and give its outer formula.

    The sign of a hidden node is free; network and formula may have chosen differently.
    Their indices are matched by a straight line.
    """
    if structure is None or len(structure.nodes) <= number:
        return node, None
    closed = structure.nodes[number]
    z = model.scaled(table.features).numpy()
    network = node.offset + sum(
        np.interp(z[:, one.source], one.x, one.y) for one in node.inner
    )
    slope, start = np.polyfit(network, closed.index(z), 1)
    if slope < 0:
        node, slope = _turned(node), -slope
    if closed.outer == "spline":
        return node, None
    values = closed.amplitude * closed.shape(start + slope * node.outer.x)[0]
    return node, _centred(node.outer, values)


def _turned(node: NodeCurves) -> NodeCurves:
    """The same node with the opposite sign of its index."""
    inner = tuple(replace(one, y=-one.y) for one in node.inner)
    top = node.outer
    outer = replace(top, x=-top.x[::-1], y=top.y[::-1], weight=top.weight[::-1])
    return NodeCurves(inner, -node.offset, outer)


def _term(structure: LatentStructure | None, source: int) -> EdgeTerm | None:
    if structure is None:
        return None
    same = [edge for edge in structure.all_edges if edge.source == source]
    return same[0] if len(same) == 1 else None


def _centred(curve: Curve, values: np.ndarray) -> np.ndarray:
    return values - float(curve.weight @ values / curve.weight.sum())


def _fitted(curve: Curve, term: EdgeTerm) -> np.ndarray:
    """The closed form on the network's scale, centred."""
    learned, form = _centred(curve, curve.y), _centred(curve, term.value(curve.x))
    size = float(curve.weight @ form**2)
    return form * (float(curve.weight @ (form * learned)) / size) if size > 0 else form


def _row(symbolic: SymbolicModel | None, source: str, target: str) -> dict[str, Any]:
    if symbolic is None:
        return {}
    edges = symbolic.edges
    rows = edges[(edges.source == source) & (edges.target == target)]
    return dict(rows.iloc[0]) if len(rows) else {}
