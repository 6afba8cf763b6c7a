"""Products, sums, ratios and differences that stay while their parts move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAYS = 0.05  # root mean square of the change over that of the combination itself
CHANGES = 0.1  # that the parts of a combination must have moved, or it says nothing


@dataclass(frozen=True)
class Combination:
    """A combination that is identified although its parts are not.

    Attributes:
        text: such as "a*b".
        parts: names.
        moved: largest relative change in any accepted move.
        freedom: the change of the parts that nothing observed can see.
    """

    text: str
    parts: tuple[str, ...]
    moved: float
    freedom: str


Operation = Callable[[Array, Array], Array]

# Simplest first; the first that stays is the one that is named.
_OPERATIONS: tuple[tuple[str, Operation, str], ...] = (
    ("*", np.multiply, "{a} -> {a}*s, {b} -> {b}/s"),
    ("+", np.add, "{a} -> {a} + s, {b} -> {b} - s"),
    ("/", np.divide, "{a} -> {a}*s, {b} -> {b}*s"),
    ("-", np.subtract, "{a} -> {a} + s, {b} -> {b} + s"),
)


def moved(before: Array, after: Array) -> float:
    """Return the root mean square of the change over that of the values before."""
    size = float(np.sqrt(np.mean(before**2)))
    change = float(np.sqrt(np.mean((after - before) ** 2)))
    return change / size if size > 0 and np.isfinite(change) else np.inf


def find_combinations(
    names: Sequence[str],
    latents: int,
    loose: Sequence[int],
    before: Array,
    moves: Sequence[tuple[int, Array]],
) -> tuple[Combination, ...]:
    """Return for each pair of loose quantities the simplest combination that stays.

    A pair counts only where a move of either has carried the other along; else the two
    are not identified each for its own reason.

    Args:
        names: of all quantities;  latents: how many of them are latents.
        loose: positions of those that are not identified.
        before: (n, Q) physical values at the best fit.
        moves: (quantity that was held, (n, Q) values after the refit), accepted ones.
    """
    simplest = []
    for a, b in combinations(loose, 2):
        # Only moves that held one of the two speak about their pair.
        mine = [after for held, after in moves if held in (a, b)]
        if not mine or not _together(before, mine, a, b):
            continue
        best = _simplest(names, before, mine, a, b)
        if best is not None:
            simplest.append(best)
    # k1 k2 k3 with no pair that stays: three factors of one product.
    if not simplest and len(loose) > 2:
        triple = _product_of_all(names, before, [after for _, after in moves], loose)
        simplest += [triple] if triple else []
    return tuple(simplest)


def _together(before: Array, moves: Sequence[Array], a: int, b: int) -> bool:
    """Whether both quantities have moved in some accepted move."""
    return any(
        min(moved(before[:, k], after[:, k]) for k in (a, b)) > CHANGES
        for after in moves
    )


def _simplest(
    names: Sequence[str], before: Array, moves: Sequence[Array], a: int, b: int
) -> Combination | None:
    for sign, operation, freedom in _OPERATIONS:
        # A quotient by a latent that crosses zero has no number; `moved` calls that no
        # combination.
        with np.errstate(all="ignore"):
            combined = operation(before[:, a], before[:, b])
            changes = [moved(combined, operation(m[:, a], m[:, b])) for m in moves]
        if max(changes) < STAYS:
            first, second = names[a], names[b]
            return Combination(
                f"{first} {sign} {second}"
                if sign in "+-"
                else f"{first}{sign}{second}",
                (first, second),
                max(changes),
                freedom.format(a=first, b=second),
            )
    return None


def _product_of_all(
    names: Sequence[str], before: Array, moves: Sequence[Array], loose: Sequence[int]
) -> Combination | None:
    """The product of all loose quantities, where no pair of them stays."""
    product = before[:, list(loose)].prod(1)
    changes = [moved(product, after[:, list(loose)].prod(1)) for after in moves]
    if not changes or max(changes) >= STAYS:
        return None
    parts = tuple(names[k] for k in loose)
    freedom = "factors whose product is one"
    return Combination("*".join(parts), parts, max(changes), freedom)
