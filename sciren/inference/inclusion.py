"""How often resamples of the rows keep an edge: a number beside the verdict, not the rule.

The whitened normal equations are sums over blocks of rows, so a resample only weights the
blocks anew. As a rule the share loses half of the power, because a resample that repeats
rows has fewer of them (measured: benchmarks.belief); it shows how firmly an edge stands.

Another question is whether the answer hangs on which blocks were held out for a test:
`redrawn_shares` leaves some out, as a split does, and applies the rule to the others.

Reference: Efron and Tibshirani 1993, bootstrap of blocks; Meinshausen and Buehlmann 2010
for inclusion shares.
"""

from dataclasses import replace

import numpy as np

from sciren.inference.design import Edge
from sciren.inference.elimination import GramModel, backward
from sciren.inference.linearised import LinearisedFit
from sciren.inference.observed import ObservedProcess
from sciren.inference.relationship import LEVEL
from sciren.inference.selection import Selection
from sciren.inference.wald import RobustTest

BLOCKS = 100  # each with a hundredth of the rows
RESAMPLES = 50  # the share of an edge is known to 7 % (binomial)
SPLITS, CHOOSING = 40, 0.85  # draws known to 5 %; rows that choose in a default split


def with_inclusion(
    selection: Selection, resamples: int = RESAMPLES, seed: int = 0
) -> Selection:
    """Return the selection with the share of resamples that keep each edge.

    Args:
        selection: of the data.
        resamples: of about 100 blocks: groups, stretches of time, or rows at random.
        seed: of the draws.
    """
    full = selection.full
    rng = np.random.default_rng(seed)
    labels = block_labels(full.fit.process, rng)
    grams = _block_grams(full, labels)
    count = len(grams)
    edges = full.design.edges
    # How often each block is drawn (resamples, B): a resample's Gram matrix is the
    # weighted sum of the blocks' own, so none of the rows is visited again.
    times = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    kept = np.zeros(len(edges))
    for drawn in times:
        kept[_kept(full, np.tensordot(drawn, grams, 1))] += 1
    shares: dict[Edge, float] = dict(
        zip(edges, (kept / resamples).tolist(), strict=True)
    )
    return replace(selection, inclusion=shares)


def redrawn_shares(
    selection: Selection, splits: int = SPLITS, share: float = CHOOSING, seed: int = 0
) -> dict[Edge, float]:
    """Return edge -> share of splits whose choosing rows keep it.

    Price and robust test are those of the selection, under its law of the noise.

    Args:
        selection: of all rows.
        splits: how often other blocks are left out.
        share: of the blocks that choose.
        seed: of the draws.
    """
    full = selection.full
    rng = np.random.default_rng(seed)
    labels = block_labels(full.fit.process, rng)
    blocks = np.unique(labels)
    kept = np.zeros(len(full.design.edges))
    for _ in range(splits):
        drawn = rng.permutation(blocks)[: max(round(share * len(blocks)), 1)]
        kept[_selected(full, np.flatnonzero(np.isin(labels, drawn)))] += 1
    return dict(zip(full.design.edges, (kept / splits).tolist(), strict=True))


def _selected(full: LinearisedFit, rows: np.ndarray) -> list[int]:
    """Numbers of the edges that some observations ask for, in the linear model."""
    columns, response = full.columns[rows], full.response[rows]
    always, blocks, units = full.model.always, full.model.blocks, full.model.units
    model = GramModel.of(columns, response, always, blocks, units)
    variance = _variance(model, full, len(rows))
    kept = backward(model, full.fitted, variance, float(np.log(len(rows))))
    rank = full.test.rank
    if rank is not None:
        rank = np.unique(rank[rows], return_inverse=True)[1]
    test = RobustTest(columns, response, model, rank)
    while kept:
        p_values = test.p_values(kept)
        worst = max(kept, key=lambda number: p_values[number])
        # Benjamini and Hochberg 1995, as in `search`; p-values are made anew after
        # every drop, because what goes leaves its part to the others.
        if p_values[worst] <= LEVEL * len(kept) / len(full.design.edges):
            break
        kept = [number for number in kept if number != worst]
    return kept


def block_labels(process: ObservedProcess, rng: np.random.Generator) -> np.ndarray:
    """Return labels (m,) of about 100 blocks of observations that are drawn together."""
    if process.groups is not None:
        return np.unique(process.groups, return_inverse=True)[1]
    rows = process.n_rows
    count = min(BLOCKS, rows)
    if process.ordered:
        # Equal stretches of time: neighbours with a common disturbance are drawn
        # together.
        return process.time_rank() * count // rows
    return rng.permutation(rows)[process.rows] % count


def _block_grams(full: LinearisedFit, labels: np.ndarray) -> np.ndarray:
    """Return [J, y]'[J, y] of every block (B, P + 1, P + 1)."""
    both = np.column_stack((full.columns, full.response))
    order = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[order])) + 1
    parts = np.split(both[order], ends)
    return np.stack([part.T @ part for part in parts])


def _kept(full: LinearisedFit, gram: np.ndarray) -> list[int]:
    model = GramModel(
        gram[:-1, :-1], gram[:-1, -1], float(gram[-1, -1]), full.model.always,
        full.model.blocks, full.model.units,
    )  # fmt: skip
    count = len(full.response)
    variance = _variance(model, full, count)
    return backward(model, full.fitted, variance, float(np.log(count)))


def _variance(model: GramModel, full: LinearisedFit, count: int) -> float:
    """Variance of the noise in some observations, from the fit of all edges to them."""
    free = max(count - full.fit.design.size, 1)
    return max(model.rss(full.fitted) / free, 1e-300)
