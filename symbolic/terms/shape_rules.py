"""Shapes that the user requires of direct edges: rising, falling, of one sign."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from symbolic.families.variants import in_raw
from symbolic.options import Shape
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

RULES: tuple[str, ...] = get_args(Shape)
"""Rules by name: of the slope, or of the printed term, on the range of the data."""

GRID = 65  # places of the range where a rule is looked at, 64 intervals
SMALLEST = 1e-6  # factor of a term that is turned round


@dataclass(frozen=True, eq=False)
class ShapeRules:
    """Rules of the direct edges of all latents.

    Args:
        rules: (latent's number, feature's number) -> one of `RULES`.
        low, high: (d,) scaled range of the data;  shift, scale: (d,) of the features.
    """

    rules: Mapping[tuple[int, int], str]
    low: np.ndarray
    high: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    def obeyed(self, latent: int, edge: EdgeTerm) -> bool:
        """Whether an edge has the shape that is required of it, if any."""
        rule = self.rules.get((latent, edge.source))
        if rule is None or edge.form is None:
            return True
        i = edge.source
        z = np.linspace(self.low[i], self.high[i], GRID)
        # the sign of a slope is the same in scaled and raw units
        if rule in ("increasing", "decreasing"):
            values = edge.form.by_x(z, edge.full)
        else:  # the printed term, its constant left to the offset of the latent
            shift, scale = float(self.shift[i]), float(self.scale[i])
            form, raw = in_raw(edge.form, edge.full, shift, scale)
            x = shift + scale * z if form.rescalable else z
            values = form.value(x, np.array([*raw[:-1], 0.0]))
        sign = 1.0 if rule in ("increasing", "positive") else -1.0
        values = sign * values
        # rounding at the level of 1e-9 of the largest value breaks no rule
        return bool((values >= -1e-9 * np.abs(values).max(initial=0.0)).all())

    def repaired(self, latent: int, structure: LatentStructure) -> LatentStructure:
        """Turn round what breaks a rule, as a start: a small term of the right sign."""
        edges = []
        for edge in structure.edges:
            if self.obeyed(latent, edge):
                edges.append(edge)
                continue
            # the amplitude alone turns slope or sign
            # round; small, so that the start barely moves
            first, *inner = edge.constants
            turned = replace(edge, constants=(-SMALLEST * first, *inner))
            if self.obeyed(latent, turned):
                edges.append(turned)
        return replace(structure, edges=tuple(edges))
