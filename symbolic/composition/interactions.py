"""Which features act together, which act alone, and which do not act."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from symbolic.composition.fitting.regression import (
    Regression,
    pair_products,
    polynomials,
    projector,
    spline_basis,
)

Array = np.ndarray

SMALLEST_DROP = 0.06
"""Share of the sum of squares by which a pair must lower it."""

STRENGTHS = (0.0, 0.003, 0.015, 0.06)
"""Least strength of a pair, of the strongest one, from all to the clearest."""

MOST_PAIRS = 28  # all pairs of eight features
DEGREE = 3  # of polynomials in products that pairs are chosen by

ADDITIVE = 14
"""Splines of the additive part, finer than those inside nodes."""

ROWS_EACH = 4
"""Rows for each spline of the additive part: with fewer they leave nothing of a target."""

SCREENED = 8e-8
"""Seconds for each row and column of a screening: those of 900 to 5,000 rows and 3 to 10
features, within a factor of 1.5."""

RICH = 5
"""Degree of the products of a chosen pair."""


@dataclass(frozen=True)
class Screen:
    """Result of a screening.

    Args:
        pairs: interacting pairs, strongest first.
        strength: squares that each explains beside the others, of the strongest one;
            strongest: those of that one.
        alone: features that matter without an interaction.
        rss: sum of squares that additive splines and these products leave.
        total: sum of squares of the target.
    """

    pairs: tuple[tuple[int, int], ...]
    strength: tuple[float, ...]
    alone: tuple[int, ...]
    rss: float
    total: float = np.inf
    strongest: float = 0.0

    def shares(self) -> list[tuple[tuple[int, int], float]]:
        """Return each pair with the share of the variance that is its alone.

            share = squares that products of the pair explain beside additive curves and
                    the other pairs / squares of the target

        For independent features this is the second-order Sobol index of the pair
        (Sobol 1993); for correlated ones the part that nothing else can take over.
        """
        sizes = (self.strongest * strength / self.total for strength in self.strength)
        return list(zip(self.pairs, sizes, strict=True))

    @property
    def interacting(self) -> tuple[int, ...]:
        """Features that occur in a pair."""
        return tuple(sorted({i for pair in self.pairs for i in pair}))

    @property
    def selected(self) -> tuple[int, ...]:
        """Features that matter."""
        return tuple(sorted({*self.interacting, *self.alone}))

    def levels(self) -> list[tuple[tuple[int, int], ...]]:
        """Sets of pairs from all to the strong ones."""
        levels: list[tuple[tuple[int, int], ...]] = []
        for least in STRENGTHS:
            strong_pairs = tuple(
                pair
                for pair, strength in zip(self.pairs, self.strength, strict=True)
                if strength >= least
            )
            if strong_pairs not in levels:
                levels.append(strong_pairs)
        return levels


class PairBlocks:
    """Products of polynomials of all pairs beside additive splines.

    What a chosen pair explains is removed from all others, with products of a higher
    degree than those that pairs are chosen by: what is left of a kink would otherwise
    be laid on pairs of correlated features.

    Args:
        regression: rows.
    """

    def __init__(self, regression: Regression) -> None:
        count = len(regression.columns)
        # as fine as the rows allow: splines that use up the rows leave nothing for pairs
        functions = min(ADDITIVE, max(len(regression) // (ROWS_EACH * count), DEGREE))
        fine = [spline_basis(column.z, functions) for column in regression.columns]
        self.beside = regression.beside(np.hstack(fine))
        self.z = [column.z for column in regression.columns]
        poly = [polynomials(z, DEGREE) for z in self.z]
        self.pairs = [(j, i) for i in range(count) for j in range(i)]
        blocks = [pair_products(poly[i], poly[j]) for j, i in self.pairs]
        self.columns = self._bare(np.hstack(blocks))
        self.ridge = 1e-6 * len(regression)

    def _bare(self, columns: Array) -> Array:
        """Weight columns and remove the additive splines from them."""
        return self.beside.without(columns * self.beside.weight[:, None])

    def rich(self, k: int, degree: int) -> Array:
        """Products of another degree of one pair (n, degree^2)."""
        j, i = self.pairs[k]
        left, right = (polynomials(self.z[k], degree, 0.0) for k in (i, j))
        return self._bare(pair_products(left, right))

    def gains(self, gram: Array, moment: Array) -> Array:
        """Squares that each pair would explain alone (pairs,)."""
        count, size = len(self.pairs), len(moment) // len(self.pairs)
        # blocks on the diagonal of the Gram matrix: each pair with itself
        own = gram.reshape(count, size, count, size)
        each = np.arange(count)
        blocks = own[each, :, each] + self.ridge * np.eye(size)
        right = moment.reshape(count, size, 1)
        return (right * np.linalg.solve(blocks, right)).sum((1, 2))

    def together(self, parts: list[Array]) -> tuple[float, list[float]]:
        """Squares that columns explain together, and each part beside the others."""
        columns = np.hstack(parts)
        gram = columns.T @ columns
        gram.flat[:: len(gram) + 1] += self.ridge
        inverse = np.linalg.inv(gram)
        moment = columns.T @ self.beside.target
        beta, beside, at = inverse @ moment, [], 0
        for part in parts:
            # what a part explains beside the others: beta' (its block of the inverse)^-1 beta
            own = slice(at, at + part.shape[1])
            solved = np.linalg.solve(inverse[own, own], beta[own])
            beside.append(float(beta[own] @ solved))
            at = own.stop
        return float(beta @ moment), beside


Pairs = list[tuple[int, int]]


def interacting_pairs(regression: Regression) -> tuple[Pairs, list[float], float]:
    """Forward selection of pairs, then one backward pass.

    Returns:
        Pairs, the squares that each explains beside the others, and what is left.
    """
    if len(regression.columns) < 2:
        return [], [], float(regression.target @ regression.target)
    blocks = PairBlocks(regression)
    target = blocks.beside.target
    # Gram matrix and moments of all candidates are made once; each chosen pair is projected out
    # of both, so a step costs no pass over all rows and candidates.
    total = left = float(target @ target)
    gram = blocks.columns.T @ blocks.columns
    moment = blocks.columns.T @ target
    smallest = _smallest_drop(len(regression), DEGREE)
    chosen: dict[int, Array] = {}
    basis = np.empty((len(regression), 0))
    while len(chosen) < min(MOST_PAIRS, len(blocks.pairs)):
        gains = blocks.gains(gram, moment)
        gains[list(chosen)] = -np.inf
        best = int(np.argmax(gains))
        if not gains[best] >= smallest * left:
            break
        # rich products as long as they use up a quarter of the rows at most
        richest = RICH**2 * (len(chosen) + 1) <= len(regression) // 4
        chosen[best] = blocks.rich(best, RICH if richest else DEGREE)
        # Gram-Schmidt twice: once leaves rounding that
        # grows with the columns (Giraud et al. 2005).
        new = chosen[best] - basis @ (basis.T @ chosen[best])
        q = projector(new - basis @ (basis.T @ new))
        basis = np.hstack([basis, q])
        shared, projected = q.T @ blocks.columns, q.T @ target
        gram -= shared.T @ shared
        moment -= shared.T @ projected
        left -= float(projected @ projected)
    return _without_weak(blocks, chosen, total)


def _without_weak(
    blocks: PairBlocks, chosen: dict[int, Array], total: float
) -> tuple[Pairs, list[float], float]:
    """Drop pairs that the later ones made needless, the weakest first."""
    while chosen:
        reached, beside = blocks.together(list(chosen.values()))
        left = max(total - reached, 1e-300)
        loss = dict(zip(chosen, beside, strict=True))
        weakest = min(chosen, key=lambda k: loss[k])
        columns = chosen[weakest].shape[1]
        drop = _smallest_drop(len(blocks.beside), int(np.sqrt(columns)))
        if loss[weakest] >= drop * left:
            order = sorted(chosen, key=lambda k: -loss[k])
            return [blocks.pairs[k] for k in order], [loss[k] for k in order], left
        del chosen[weakest]
    return [], [], total


def _smallest_drop(rows: int, degree: int) -> float:
    """Share of the sum of squares by which products of a degree must lower it."""
    # N log(rss before / rss after) has to pay log N for each of degree^2 products
    return max(SMALLEST_DROP, 1.0 - float(np.exp(-np.log(rows) * degree**2 / rows)))


def screen(regression: Regression) -> Screen:
    """Find interacting pairs, and test the other features for an effect of their own."""
    count = len(regression.columns)
    columns = count * ADDITIVE + DEGREE**2 * count * (count - 1) // 2
    regression.work.add_linear(len(regression), columns, SCREENED)
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
        # F below log N: BIC would not keep its constants; half of them at a time, as correlated
        # features look weak together
        weak = [i for i in alone if tests[i] < np.log(len(regression))]
        if not weak:
            break
        weak.sort(key=lambda i: tests[i])
        alone = [i for i in alone if i not in weak[: (len(weak) + 1) // 2]]
    strongest = max(strength[0], 1e-300) if strength else 0.0
    relative = tuple(value / strongest for value in strength)
    total = float(regression.target @ regression.target)
    return Screen(tuple(pairs), relative, tuple(alone), left, total, strongest)


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
    # spline columns of `alone` stand last, in their order
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


Pair = tuple[int, int]
Group = tuple[int, ...]
Grouping = tuple[Group, ...]

MOST_NODES = 3  # of a formula: a fourth was in none of the classes that are measured


def components(pairs: Sequence[Pair]) -> list[Group]:
    """Connected components of the interaction graph."""
    groups: list[set[int]] = []
    for pair in pairs:
        # a pair may join several groups into one
        touched = [group for group in groups if group & set(pair)]
        merged = set(pair).union(*touched)
        groups = [group for group in groups if not group & set(pair)] + [merged]
    return sorted(tuple(sorted(group)) for group in groups)


def cliques(features: Iterable[int], pairs: Sequence[Pair]) -> list[Group]:
    """Largest sets of features that all interact with each other."""
    features = list(features)
    joined = {frozenset(pair) for pair in pairs}
    maximal: list[set[int]] = []
    # from large to small, so that a set inside a larger one is skipped; interacting features
    # are few, so all their subsets can be asked
    for size in range(len(features), 1, -1):
        for subset in combinations(features, size):
            complete = all(
                frozenset(pair) in joined for pair in combinations(subset, 2)
            )
            if complete and not any(set(subset) <= larger for larger in maximal):
                maximal.append(set(subset))
    return sorted(tuple(sorted(clique)) for clique in maximal)


def groupings(pairs: Sequence[Pair]) -> Iterator[Grouping]:
    """Yield groupings of at most three nodes without repeats.

    Cliques come before whole components: features of one node nearly always interact
    pair by pair, and a chain of pairs is rather two nodes that share a feature.
    """
    yielded: set[Grouping] = set()
    for grouping in _proposed(pairs):
        # order of nodes and of features in them says nothing
        key = tuple(sorted(grouping, key=lambda group: (-len(group), group)))
        if 0 < len(key) <= MOST_NODES and key not in yielded:
            yielded.add(key)
            yield key


def _proposed(pairs: Sequence[Pair]) -> Iterator[Grouping]:
    parts = components(pairs)
    split = [cliques(part, pairs) for part in parts]
    # all cliques, each a node
    yield tuple(group for groups in split for group in groups)
    yield from _nested(split)
    # whole components as nodes
    yield tuple(parts)
    for k, part in enumerate(parts):
        others = tuple(parts[:k] + parts[k + 1 :])
        # two nodes over the same features
        yield (part, part, *others)
        if len(part) in (3, 4):
            yield from _overlapping(part, others, pairs)
    strongest = tuple(sorted(pairs[0])) if pairs else ()
    if strongest:
        yield (strongest,)


def _nested(split: Sequence[Sequence[Group]]) -> Iterator[Grouping]:
    """Yield cliques with one of their pairs once more as a node of its own."""
    everything = [group for groups in split for group in groups]
    for group in everything:
        if len(group) in (3, 4):
            for pair in combinations(group, 2):
                yield (*everything, pair)


def _overlapping(
    part: Group, others: Grouping, pairs: Sequence[Pair]
) -> Iterator[Grouping]:
    """Yield pairs, and triples, of groups that share features and cover a component."""
    smaller = [group for size in (2, 3) for group in combinations(part, size)]
    for group, other in combinations(smaller, 2):
        # they may share one feature, not more
        if len(group) + len(other) > len(part) + 1:
            continue
        if set(group) | set(other) == set(part):
            yield (group, other, *others)
