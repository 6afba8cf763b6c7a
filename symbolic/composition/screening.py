"""Which features act together, which act alone, and which do not act."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from symbolic.composition.basis import polynomials
from symbolic.composition.regression import Regression

Array = np.ndarray

SMALLEST_DROP = 0.06
"""Share of the sum of squares by which a pair must lower it."""

STRENGTHS = (0.05, 0.01, 0.0)
"""Least strength of a pair, of the strongest one, at each level of strictness."""

MOST_PAIRS = 8
DEGREE = 3


@dataclass(frozen=True)
class Screen:
    """Result of a screening.

    Args:
        pairs: interacting pairs, strongest first.
        strength: squares that each explains beside the others, of the strongest one.
        alone: features that matter without an interaction.
        rss: sum of squares that additive splines and these products leave.
    """

    pairs: tuple[tuple[int, int], ...]
    strength: tuple[float, ...]
    alone: tuple[int, ...]
    rss: float

    @property
    def interacting(self) -> tuple[int, ...]:
        """Features that occur in a pair."""
        return tuple(sorted({i for pair in self.pairs for i in pair}))

    @property
    def live(self) -> tuple[int, ...]:
        """Features that matter."""
        return tuple(sorted({*self.interacting, *self.alone}))

    def levels(self) -> list[tuple[tuple[int, int], ...]]:
        """Sets of pairs without the faint ones, from strict to all."""
        found: list[tuple[tuple[int, int], ...]] = []
        for least in STRENGTHS:
            some = tuple(
                pair
                for pair, strength in zip(self.pairs, self.strength, strict=True)
                if strength >= least
            )
            if some not in found:
                found.append(some)
        return found


class PairBlocks:
    """Products of polynomials of all pairs beside additive splines.

    Args:
        regression: rows.
    """

    def __init__(self, regression: Regression) -> None:
        count = len(regression.columns)
        beside = regression.beside_splines(range(count))
        poly = [polynomials(one.z, DEGREE) for one in regression.columns]
        self.pairs = [(j, i) for i in range(count) for j in range(i)]
        blocks = [
            (poly[i][:, :, None] * poly[j][:, None, :]).reshape(len(regression), -1)
            for j, i in self.pairs
        ]
        sizes = np.cumsum([0, *(block.shape[1] for block in blocks)])
        self.slices = [slice(a, b) for a, b in pairwise(sizes)]
        columns = np.hstack(blocks) * regression.weight[:, None]
        columns = beside.without(columns)
        self.gram = columns.T @ columns
        self.gram.flat[:: len(self.gram) + 1] += 1e-6 * len(regression)
        self.moment = columns.T @ beside.target
        self.total = float(beside.target @ beside.target)

    def explained(self, chosen: list[int]) -> float:
        """Squares that some pairs explain together."""
        if not chosen:
            return 0.0
        where = np.concatenate(
            [np.arange(self.slices[k].start, self.slices[k].stop) for k in chosen]
        )
        right = self.moment[where]
        return float(right @ np.linalg.solve(self.gram[np.ix_(where, where)], right))


Pairs = list[tuple[int, int]]


def interacting_pairs(regression: Regression) -> tuple[Pairs, list[float], float]:
    """Forward selection of pairs, then one backward pass.

    Returns:
        Pairs, the squares that each explains beside the others, and what is left.
    """
    if len(regression.columns) < 2:
        return [], [], float(regression.target @ regression.target)
    blocks = PairBlocks(regression)
    chosen: list[int] = []
    reached, penalty = 0.0, np.log(len(regression)) * DEGREE**2 / len(regression)
    smallest = max(SMALLEST_DROP, 1.0 - float(np.exp(-penalty)))
    while len(chosen) < MOST_PAIRS:
        others = [k for k in range(len(blocks.pairs)) if k not in chosen]
        if not others:
            break
        gains = {k: blocks.explained([*chosen, k]) for k in others}
        best = max(gains, key=lambda k: gains[k])
        left = blocks.total - reached
        if gains[best] - reached < smallest * left:
            break
        chosen.append(best)
        reached = gains[best]
    left = max(blocks.total - reached, 1e-300)
    for k in list(chosen):
        fewer = [one for one in chosen if one != k]
        if reached - blocks.explained(fewer) < smallest * left:
            chosen, reached = fewer, blocks.explained(fewer)
            left = max(blocks.total - reached, 1e-300)
    loss = {
        k: reached - blocks.explained([one for one in chosen if one != k])
        for k in chosen
    }
    chosen.sort(key=lambda k: -loss[k])
    return [blocks.pairs[k] for k in chosen], [loss[k] for k in chosen], left


def screen(regression: Regression) -> Screen:
    """Find interacting pairs, and test the other features for an effect of their own."""
    pairs, strength, left = interacting_pairs(regression)
    together = sorted({i for pair in pairs for i in pair})
    poly = {i: polynomials(regression.columns[i].z, DEGREE) for i in together}
    products = [
        (poly[i][:, :, None] * poly[j][:, None, :]).reshape(len(regression), -1)
        for i, j in pairs
    ]
    alone = [i for i in range(len(regression.columns)) if i not in together]
    base = [regression.splines(together), *products]
    while alone:
        tests = _strengths(regression, base, alone)
        weak = [i for i in alone if tests[i] < np.log(len(regression))]
        if not weak:
            break
        weak.sort(key=lambda i: tests[i])
        alone = [i for i in alone if i not in weak[: (len(weak) + 1) // 2]]
    relative = tuple(one / max(strength[0], 1e-300) for one in strength)
    return Screen(tuple(pairs), relative, tuple(alone), left)


def _strengths(
    regression: Regression, base: list[Array], alone: list[int]
) -> dict[int, float]:
    """F of every feature's splines beside those of all others."""
    parts = [*base, *(regression.columns[i].basis for i in alone)]
    columns = np.hstack(parts) * regression.weight[:, None]
    columns = regression.without(columns)
    gram = columns.T @ columns
    gram.flat[:: len(gram) + 1] += 1e-8 * len(regression)
    inverse = np.linalg.inv(gram)
    beta = inverse @ (columns.T @ regression.target)
    left = regression.target - columns @ beta
    variance = float(left @ left) / max(len(regression) - len(beta), 1)
    strength, end = {}, len(beta)
    for i in reversed(alone):
        size = regression.columns[i].basis.shape[1]
        part = slice(end - size, end)
        end -= size
        explained = beta[part] @ np.linalg.solve(inverse[part, part], beta[part])
        strength[i] = float(explained) / (size * max(variance, 1e-300))
    return strength
