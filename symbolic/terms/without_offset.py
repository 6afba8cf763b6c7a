"""An offset that is zero within its error is no constant of an equation.

In scaled features the offset of the raw equation is shared out over all lines and
parabolas. Written as functions of the raw features, terms have none of it, and it can be
left out.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symbolic.families.linear_form import LinearForm
from symbolic.families.variants import in_raw, of_raw
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

SMALL = 0.04
"""Size of an offset that may be zero, in deviations of the latent: twice a standard error
of 2 %. An offset that the data hold less well (of a feature in kelvin, say) may be any
number, and zero would fix the slopes beside it."""


def worth_no_constant(deviance: float, rows: float) -> bool:
    """Whether a constant gains less than BIC charges for it: log N (Schwarz 1978).

    Args:
        deviance: N log(loss without it / loss with it).
    """
    return deviance <= float(np.log(rows))


def without_offset(
    structure: LatentStructure, units: Units, z: np.ndarray
) -> LatentStructure | None:
    """Return the structure without its offset, not refitted; None where it has to stay.

    Args:
        units: of the features;  z: (n, d) scaled features.
    """
    # beside a log node the offset is no constant of its own
    shared = any(isinstance(n, Node) and n.outer == "log" for n in structure.nodes)
    edges = _of_raw_features(structure.edges, units)
    if shared or not structure.offset_free or edges is None:
        return None
    if not structure.all_edges:
        return None  # a constant latent is its offset
    # the offset in raw units is the scaled one plus what every term sheds
    offset = structure.offset + sum(left for _, left in edges)
    if abs(offset) > SMALL * float(np.std(structure.value(z))):
        return None
    terms = tuple(edge for edge, _ in edges)
    return replace(structure, offset=0.0, edges=terms, offset_free=False)


def _of_raw_features(
    edges: Sequence[EdgeTerm], units: Units
) -> list[tuple[EdgeTerm, float]] | None:
    """Terms as functions of raw features, and what each leaves to the offset."""
    terms = []
    for edge in edges:
        if edge.form is None:
            return None  # its level is not known
        # classes and waves are not scaled, and have no level of their own
        if edge.form.variant.raw is not None or isinstance(edge.form, LinearForm):
            terms.append((edge, 0.0))
            continue
        shift, scale = float(units.shift[edge.source]), float(units.scale[edge.source])
        form, c = in_raw(edge.form, edge.full, shift, scale)
        if not edge.form.rescalable or form.variant.about is not None:
            return None
        term = EdgeTerm(edge.source, of_raw(form, shift, scale), tuple(c[:-1].tolist()))
        terms.append((term, float(c[-1])))
    return terms
