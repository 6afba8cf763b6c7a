"""What may act in the walk through levels and constants: curves, and products of nodes.

Curves of x and of ta may leave q10 known where their product gives it away:

    rb = a(x) + b(ta) + c x ta

So for every two features that stand in one node of the equations (a product
or a hidden node) their product is offered, with a free curve.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sciren.data.kinds import Numeric
from sciren.inference.identifiability.walker import COLUMNS

if TYPE_CHECKING:
    from discovery.verdict.evidence import Evidence
    from sciren.inference.design import Edge
    from sciren.inference.observed import ObservedProcess
    from symbolic.terms.structure import LatentStructure

WALK_COLUMNS = 160  # coefficients; beyond, only edges that may act have a curve


def offered(
    evidence: "Evidence", process: "ObservedProcess"
) -> "tuple[ObservedProcess, list[Edge] | None]":
    """Return the rows with products beside their features, and what may act (None: all).

    Args:
        process: the rows of the evidence, or some of them.
    """
    edges = _edges(evidence)
    pairs = _pairs(evidence.fit.structures, process)
    if not pairs:
        return process, edges
    count, names = len(process.feature_names), list(process.feature_names)
    spread = process.features.std(0)
    centred = process.features - process.features.mean(0)
    # In deviations, so that the scales of the features leave no digits out.
    scaled = centred / np.where(spread > 0, spread, 1.0)
    columns = [process.features]
    if edges is None:
        every = range(process.n_latents)
        edges = [(source, latent) for source in range(count) for latent in every]
    for (first, second), latents in pairs.items():
        edges = [*edges, *((len(names), latent) for latent in latents)]
        names.append(f"{names[first]}*{names[second]}")
        columns.append((scaled[:, first] * scaled[:, second])[:, None])
    wider = replace(process, features=np.hstack(columns), feature_names=tuple(names))
    return wider, edges


def _pairs(
    structures: "Sequence[LatentStructure]", process: "ObservedProcess"
) -> dict[tuple[int, int], list[int]]:
    """Return numbers of two amounts that share a node -> the latents where they do."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for latent, structure in enumerate(structures):
        for node in structure.nodes:
            sources = sorted({edge.source for edge in node.edges})
            for pair in combinations(sources, 2):
                amounts = all(isinstance(process.kinds[k], Numeric) for k in pair)
                if amounts and latent not in pairs.setdefault(pair, []):
                    pairs[pair].append(latent)
    return {pair: latents for pair, latents in pairs.items() if latents}


def _edges(evidence: "Evidence") -> "list[Edge] | None":
    """Return all edges (None), or those that may act where all would be too many."""
    process, selection = evidence.process, evidence.selection
    # Free curves need at least four observations a coefficient, or anything can be
    # moved.
    count = len(process.feature_names) * process.n_latents * COLUMNS
    if count <= min(WALK_COLUMNS, len(process) // 4):
        return None
    held: set[Edge] = {
        (edge.source, k)
        for k, structure in enumerate(evidence.fit.structures)
        for edge in structure.all_edges
    }
    if selection is not None:
        held |= {*selection.edges("kept"), *selection.edges("undecided")}
    return sorted(held)
