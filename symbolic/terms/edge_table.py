"""One row an edge: the table behind equations and graphs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sciren.edge_columns import EDGE_COLUMNS
from symbolic.curves.criterion import EQUAL_WITHIN
from symbolic.curves.curve_fit import departure, fits_by_family
from symbolic.options import SymbolicOptions
from symbolic.printing.text import to_text
from symbolic.terms.bounded import Bounds, printed_structure
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node, Product
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import (
    Units,
    factor_expressions,
    node_expression,
    raw_term,
)
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from symbolic.search.starting import FittedEdge, FittedLatent


class EdgeTable:
    """Builds the edge table of a set of structures.

    Args:
        structures, fitted: closed forms and the curves they came from, by latent; None
            where they were found without curves.
        units: of the features;  z: (n, d) scaled features of the training rows.
        delta_bic: (latent, edge number) -> {family: criterion above the chosen one}.
        options: what the user decided.
        bounds: latent -> constraint, by which formulas are written in the latent's unit;
            without, in that of the raw latent.
    """

    def __init__(
        self,
        structures: Sequence[LatentStructure],
        fitted: "Sequence[FittedLatent] | None",
        units: Units,
        z: np.ndarray,
        delta_bic: Mapping[tuple[int, int], Mapping[str, float]],
        options: SymbolicOptions | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.structures, self.fitted, self.units, self.z = structures, fitted, units, z
        self.delta_bic, self.options = delta_bic, options or SymbolicOptions()
        self.shown = [
            structure
            if bounds is None
            else printed_structure(structure, bounds[structure.name])
            for structure in structures
        ]

    def frame(self) -> pd.DataFrame:
        """Return the table; features without an edge are listed as dropped."""
        rows: list[dict[str, Any]] = []
        for k, structure in enumerate(self.structures):
            rows += self._latent(k, structure)
        for row in rows:
            # a column that one kind of row forgets would be filled with nothing
            assert set(row) == set(EDGE_COLUMNS), set(row) ^ set(EDGE_COLUMNS)
        return pd.DataFrame(rows, columns=list(EDGE_COLUMNS))

    def _latent(self, k: int, structure: LatentStructure) -> list[dict[str, Any]]:
        z, name = self.z, structure.name
        # Importance: mean absolute deviation of what a part
        # adds to the raw latent, as a share of all parts.
        direct = [_spread(edge.value(z[:, edge.source])) for edge in structure.edges]
        tops = [_spread(node.value(z)) for node in structure.nodes]
        total = sum([*direct, *tops]) or 1.0
        rows, number = [], 0
        for edge, size in zip(structure.edges, direct, strict=True):
            rows.append(self._row((k, number), edge, name, 0, size / total))
            number += 1
        for h, (node, top) in enumerate(zip(structure.nodes, tops, strict=True)):
            label = f"h{h + 1}_{name}"
            sizes = _sizes_inside(node, z)
            whole = sum(sizes) or 1.0
            for edge, size in zip(node.edges, sizes, strict=True):
                # an inner edge gets its share of the index times that of the node in the latent
                share = top / total * size / whole
                rows.append(self._row((k, number), edge, label, 0, share))
                number += 1
            row = self._outer(k, node, label, top / total)
            text = _outer_text(self.shown[k].nodes[h], self.units)
            rows.append(row | {"formula": text})
        return rows + self._dropped(k, structure)

    def _row(
        self,
        place: tuple[int, int],
        edge: EdgeTerm,
        target: str,
        layer: int,
        share: float,
    ) -> dict[str, Any]:
        source, name = edge.source, self.structures[place[0]].name
        shown = self.shown[place[0]].all_edges[place[1]]
        owner = self.shown[place[0]].inside_of(place[1])
        expression = self._written(shown, owner)
        # an edge left out is no other name for it
        delta_bic = {
            f: g for f, g in self.delta_bic.get(place, {}).items() if f != "dropped"
        }
        refused = edge.form is None
        family = "none" if edge.form is None else edge.form.family
        close = sorted(
            (f for f in delta_bic if delta_bic[f] < EQUAL_WITHIN),
            key=lambda f: delta_bic[f],
        )
        learned = self._curve(place[0], edge)
        return {
            "layer": layer,
            "source": self.units.names[source],
            "target": target,
            "latent": name,
            "importance": float(share),
            "family": family,
            "status": "refused" if refused else "closed",
            "formula": to_text(expression, 4),
            "latex": _latex(expression, self.options.symbols),
            "constants": self._constants(shown, owner),
            "r2": _r2(edge, learned),
            "gap": min(delta_bic.values(), default=float("nan")),
            "ambiguous": bool(close),
            "equals": ", ".join([family, *close]),
            "low": float(self.units.low[source]),
            "high": float(self.units.high[source]),
            "chosen": self._chosen(self.units.names[source], name),
            "reason": self._reason(edge, learned, close),
        }

    def _reason(
        self, edge: EdgeTerm, learned: "FittedEdge | None", close: Sequence[str]
    ) -> str:
        """Why an edge is refused; else a pole near the data, and where equals part."""
        if edge.form is None:
            return learned.fit.reason if learned is not None else ""
        name = self.units.names[edge.source]
        low, high = self.units.low[edge.source], self.units.high[edge.source]
        told = []
        pole = edge.form.pole(edge.full)
        if pole is not None:
            raw = self._raw(edge.source, pole)
            # within twice the range of the data, about its middle
            if abs(raw - 0.5 * (low + high)) <= high - low:
                told.append(f"singular at {name} = {raw:.4g}")
        place = _parting(edge.form.family, close, learned)
        if place is not None:
            raw = self._raw(edge.source, place)
            told.append(f"{close[0]} first differs at {name} = {raw:.4g}")
        return "; ".join(told)

    def _raw(self, source: int, z: float) -> float:
        return float(self.units.shift[source] + self.units.scale[source] * z)

    def _chosen(self, source: str, latent: str) -> str:
        return "user" if self.options.by_user(source, latent) else "auto"

    def _written(self, edge: EdgeTerm, owner: Node | Product | None) -> Any:
        """Return the term of an edge; inside a product the whole factor."""
        if isinstance(owner, Product):
            return factor_expressions(owner, self.units)[owner.edges.index(edge)]
        return raw_term(edge, self.units)[0]

    def _constants(self, edge: EdgeTerm, owner: Node | Product | None) -> str:
        if edge.form is None:
            return ""
        # the edge alone, or inside its product, which has one scale for all factors
        structure = LatentStructure("x", 0.0, (edge,))
        if isinstance(owner, Product):
            structure = LatentStructure("x", 0.0, (), (owner,))
        name = self.units.names[edge.source]
        # the first constant is the offset of the latent that was made up around the edge
        listed = [
            c for c in raw_constants([structure], self.units)[1:] if c.source == name
        ]
        return ", ".join(f"{c.role}={c.value:.6g}" for c in listed)

    def _outer(
        self, k: int, node: Node | Product, label: str, share: float
    ) -> dict[str, Any]:
        """Row of a node's way into its latent: its outer function, or the product."""
        index = node.value(self.z) if isinstance(node, Product) else node.index(self.z)
        refused = node.outer == "spline"
        return {
            "layer": 1,
            "source": label,
            "target": self.structures[k].name,
            "latent": self.structures[k].name,
            "importance": float(share),
            "family": "none" if refused else node.outer,
            "status": "refused" if refused else "closed",
            "formula": "",
            "latex": "",
            "constants": "",
            "r2": float("nan"),
            "gap": float("nan"),
            "ambiguous": False,
            "equals": "",
            "low": float(index.min()),
            "high": float(index.max()),
            "chosen": self._chosen(label, self.structures[k].name),
            "reason": "no family describes the outer curve" if refused else "",
        }

    def _dropped(self, k: int, structure: LatentStructure) -> list[dict[str, Any]]:
        used = {edge.source for edge in structure.all_edges}
        # in a latent of nodes an unused feature would have entered the first one
        target = f"h1_{structure.name}" if structure.nodes else structure.name
        blank = dict.fromkeys(EDGE_COLUMNS, "")
        numbers = {"r2": np.nan, "gap": np.nan, "ambiguous": False, "importance": 0.0}
        return [
            blank
            | numbers
            | {
                "layer": 0,
                "source": feature,
                "target": target,
                "latent": structure.name,
                "status": "dropped",
                "low": float(self.units.low[i]),
                "high": float(self.units.high[i]),
                "chosen": self._chosen(feature, structure.name),
                "reason": self._why_dropped(k, i),
            }
            for i, feature in enumerate(self.units.names)
            if i not in used
        ]

    def _why_dropped(self, k: int, source: int) -> str:
        if self.fitted is None:
            return "the formula does without it"
        latent, feature = self.fitted[k], self.units.names[source]
        if self.options.pinned(feature, latent.name) == "constant":
            return "pinned to a constant"
        every = [*latent.edges, *(e for node in latent.nodes for e in node.edges)]
        if any(edge.curve.source == source for edge in every):
            return "explains less than its constants cost"
        # the user named a family, yet no curve of the feature is left to have it
        if self.options.pinned(feature, latent.name) is not None:
            return "pinned, but training dropped it; train with select=False to keep it"
        return "validation does not need it"

    def _curve(self, k: int, edge: EdgeTerm) -> "FittedEdge | None":
        if self.fitted is None:
            return None
        latent = self.fitted[k]
        every = [*latent.edges, *(e for node in latent.nodes for e in node.edges)]
        # A refused edge is known by the name of its function. A closed one only by its feature:
        # where that has several curves, none of them is claimed.
        if edge.form is None:
            same = [fitted for fitted in every if fitted.function == edge.function]
        else:
            same = [fitted for fitted in every if fitted.curve.source == edge.source]
        return same[0] if len(same) == 1 else None


def _parting(
    family: str, close: Sequence[str], learned: "FittedEdge | None"
) -> float | None:
    """Where the closest other family first departs by more than the error, scaled."""
    if learned is None or not close:
        return None
    fits = fits_by_family(learned.fit)
    if not {family, close[0]} <= set(fits):
        return None
    return departure(fits[family], fits[close[0]], float(np.std(learned.curve.y)))


def _outer_text(node: Node | Product, units: Units) -> str:
    """Outer function of an index s, or what is multiplied."""
    if isinstance(node, Product):
        return to_text(node_expression(node, units), 4)
    sign = "-" if node.amplitude < 0 else ""
    match node.outer:
        case "abs":
            return f"{sign}|s|"
        case "quadratic":
            return f"{sign}s^2"
        case "exp":
            return f"{sign}exp(s)"
        case "log":
            return f"{node.amplitude:.4g}*log(s)"
    return f"{node.function}(s)"


def _sizes_inside(node: Node | Product, z: np.ndarray) -> list[float]:
    """Return how much each edge moves its node, up to a common factor."""
    if not isinstance(node, Product):
        return [_spread(edge.value(z[:, edge.source])) for edge in node.edges]
    values = np.stack([factor.value(z) for factor in node.factors])
    # what the product moves by with this factor and would not with its mean instead
    sizes = []
    for k, own in enumerate(values):
        held = values.copy()
        held[k] = own.mean()
        sizes.append(_spread(values.prod(0) - held.prod(0)))
    return sizes


def _spread(values: np.ndarray) -> float:
    return float(np.mean(np.abs(values - values.mean())))


def _latex(expression: Any, symbols: Mapping[str, str]) -> str:
    from symbolic.printing.latex import to_latex

    return to_latex(expression, 3, symbols)


def _r2(edge: EdgeTerm, learned: "FittedEdge | None") -> float:
    """Squared correlation of the closed form with the learned curve, by density."""
    if learned is None or edge.form is None:
        return float("nan")
    weight = learned.curve.weight / learned.curve.weight.sum()
    values, curve = edge.value(learned.curve.x), learned.curve.y
    values, curve = values - weight @ values, curve - weight @ curve
    size = (weight @ values**2) * (weight @ curve**2)
    return float((weight @ (values * curve)) ** 2 / size) if size > 0 else float("nan")
