"""Which latents, constants and combinations of them the data hold.

The level of each latent and each constant is moved away from its estimate and held there
while everything else is fitted again, in a fit that is as free as the data allow
(`loose_fit`). What can move without a worse fit is not identified. Of what moved together,
products, sums, ratios and differences that stayed where they were are identified: the
data know them, and only them.

Reference: Raue et al. 2009 for profiles; walking by finite moves sees what the
eigenvectors of a curvature matrix only promise nearby.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sciren.inference.design import Edge
from sciren.inference.identifiability.combinations import (
    STAYS,
    find_combinations,
    moved,
)
from sciren.inference.identifiability.quantities import WEAK, Identifiability
from sciren.inference.identifiability.walker import Move, Walker
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess

Array = NDArray[np.float64]

RESTARTS, BELOW = 4, 0.5
"""Of the walk, from a move that ends this far below the best fit."""


def walk(
    process: ObservedProcess,
    raw: Array,
    constants: Array,
    whitening: Whitening | None = None,
    edges: Sequence[Edge] | None = None,
    remedies: bool = True,
    information: float = 1.0,
) -> Identifiability:
    """Say which latents, constants and combinations the data hold.

    Each quantity is held at 0.67 and 1.5 times its estimate and all others are refitted;
    a smaller rise of chi-square below 3.84 means not identified, below 10 weak.

    Args:
        process: observations.
        raw, constants: (n, L), (K,) estimates, raw.
        whitening: of the noise; default equal and independent.
        edges: (feature, latent) that may have a curve; default all.
        remedies: whether to try what would settle it: fix a quantity, leave out a
            feature, observe a latent.
        information: how many times as much is known as these rows say, where they stand
            for more rows that were left out to save time.
    """
    walker = Walker.of(process, raw, constants, whitening, edges, information)
    moves = walker.moves()
    for _ in range(RESTARTS):
        # Rises are counted from the best fit: if a move went below it, all of them were
        # too small, and quantities would look less known than they are.
        lowest = min(moves, key=lambda move: move.rise)
        if lowest.rise > -BELOW:
            break
        walker = walker.settled(lowest.theta)  # the walk has found a better minimum
        moves = walker.moves()
    quantities = walker.quantities(moves)
    loose = [
        k for k, quantity in enumerate(quantities) if quantity.status != "identified"
    ]
    # Only moves that the data accept show which quantities can pay for each other.
    taken = [m for m in moves if m.moved and m.rise < WEAK and m.quantity in loose]
    before, values = walker.physical(walker.best)
    combinations = find_combinations(
        walker.names,
        process.n_latents,
        loose,
        _columns(before, values),
        [(m.quantity, _columns(m.latents, m.constants)) for m in taken],
    )
    shapes = _steady_shapes(process.latent_names, loose, before, taken)
    result = Identifiability(tuple(quantities), combinations, shapes)
    if loose and remedies:
        result = replace(result, settled_by=walker.settled_by(loose))
    return result


def _columns(latents: Array, constants: Array) -> Array:
    """Latents (n, L) with the constants beside them in every row, (n, L + K)."""
    return np.column_stack([latents, np.tile(constants, (len(latents), 1))])


def _steady_shapes(
    names: Sequence[str], loose: Sequence[int], before: Array, moves: "Sequence[Move]"
) -> tuple[str, ...]:
    """Latents whose shape a / mean(a) no accepted move has changed by 5 %."""
    steady = []
    for k in loose:
        # A latent that no feature moves is one number: it has no shape to keep.
        if k >= len(names) or np.ptp(before[:, k]) == 0:
            continue
        shape = before[:, k] / before[:, k].mean()
        changes = [
            moved(shape, m.latents[:, k] / m.latents[:, k].mean()) for m in moves
        ]
        if max(changes, default=0.0) < STAYS:
            steady.append(names[k])
    return tuple(steady)
