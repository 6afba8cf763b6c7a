"""What a model does with each feature: partial dependence, local effects, importance.

All of them take a trained `ScIReN` model (raw latents, before the constraint), a
`SymbolicModel` (the same of its equations), or any function of feature rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciren.errors import ColumnError, ConfigError, ShapeError, closest_names

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table

Array = NDArray[np.float64]
Rows = Callable[[Array], Any]

GRID = 100  # values of partial dependence, as fine as a picture shows
# of accumulated local effects: quantiles of the feature, each with enough rows
BINS = 40
AT_ONCE = 20_000  # rows handed to a model at a time; more only cost memory


def partial_dependence(
    model: Any,
    table: "Table",
    features: Sequence[str] | None = None,
    grid: int = GRID,
    rows: int | None = None,
    seed: int = 0,
) -> "pd.DataFrame":
    """Return the mean output when one feature is set to a value in every row.

        PD_i(v) = mean over the rows of model(row with x_i = v)

    Args:
        model: see the module; a function takes (n, d) raw features, gives (n,) or (n, L).
        table: the rows that are averaged over.
        features: default all.
        grid: values of each feature: the unique ones where they are fewer, else equally
            spaced from the smallest to the largest.
        rows: most rows to average over, chosen with the seed; default all.
    Returns:
        Columns latent, feature, value (raw unit), effect (unit of the raw latent).
    Raises:
        ColumnError: the table has no such feature.
    Reference: Friedman 2001.
    """
    evaluate, latents = _function(model, table)
    x = table.features.numpy()
    sample = _sample(x, rows, seed)
    parts = []
    means = _added_means if _adds_up(model) else _means
    for column in _columns(table, features):
        values = _grid_of(x[:, column], grid)
        effect = means(evaluate, sample, column, values)
        parts.append((table.feature_names[column], values, effect))
    return _long(parts, latents)


def accumulated_local_effects(
    model: Any,
    table: "Table",
    features: Sequence[str] | None = None,
    bins: int = BINS,
) -> "pd.DataFrame":
    """Return local differences of the output, averaged in bins and summed along a feature.

        ALE_i(v) = sum over bins up to v of mean over the bin's rows of
                   [model(x_i = upper edge) - model(x_i = lower edge)], centred

    Unlike partial dependence it asks only for combinations near observed ones.

    Args:
        model, table, features: as in `partial_dependence`.
        bins: most bins; their edges are values of the rows, at quantiles, so that they
            hold about equally many.
    Returns:
        Columns latent, feature, value (edge of a bin), effect (mean zero over the rows).
    Raises:
        ColumnError: the table has no such feature.
    Reference: Apley and Zhu 2020.
    """
    evaluate, latents = _function(model, table)
    x = table.features.numpy()
    parts = []
    for column in _columns(table, features):
        levels = np.linspace(0, 1, bins + 1)
        # Edges are values that occur (method "lower"); equal quantiles are merged, so
        # that a column of few values has fewer bins.
        edges = np.unique(np.quantile(x[:, column], levels, method="lower"))
        effect = _local(evaluate, x, column, edges)
        parts.append((table.feature_names[column], edges, effect))
    return _long(parts, latents)


def functional_importance(
    model: Any,
    table: "Table",
    grid: int = GRID,
    rows: int | None = None,
    seed: int = 0,
) -> "pd.DataFrame":
    """Return the share of every feature in the deviation of partial dependence.

        importance_i = sd over the grid of PD_i (ddof 1) / sum over the features

    Args:
        model, table, grid, rows, seed: as in `partial_dependence`.
    Returns:
        One row a feature, one column a latent; columns add to one, or are zero where
        nothing has an effect.
    Reference: Greenwell et al. 2018; the deviation in place of the variance as in the
        ScIReN paper's code.
    """
    curves: Any = partial_dependence(model, table, None, grid, rows, seed)
    # A feature with a single value has no deviation (nan) and no importance (0).
    spread = curves.groupby(["feature", "latent"], sort=False)["effect"].std(ddof=1)
    shares = spread.fillna(0.0).unstack("latent")
    names = list(dict.fromkeys(curves["latent"]))
    shares = shares.reindex(index=list(table.feature_names), columns=names)
    total = shares.sum(axis=0)
    # A constant latent: zeros stay zeros in place of 0 / 0.
    shares = shares / total.where(total > 0, 1.0)
    shares.index.name, shares.columns.name = "feature", None
    return shares


def relationship_kl(true: ArrayLike, estimated: ArrayLike) -> float:
    """Return how far estimated importances are from the true ones (0 is best).

        KL = mean over outputs of sum_i t_i ln(1e-6 + t_i / p_i)

    Both are normalised to sum to one for each output; p is held above 1e-6, and a
    feature with t = 0 adds nothing.

    Args:
        true, estimated: (features,) or (features, outputs), not negative.
    Raises:
        ShapeError: they differ in shape.
        ConfigError: a negative or missing value, or an output without any importance.
    Reference: the ScIReN paper, section on relationship recovery.
    """
    t, p = (np.asarray(shares, dtype=float) for shares in (true, estimated))
    if t.shape != p.shape or t.ndim not in (1, 2):
        raise ShapeError(f"true importances have shape {t.shape}, estimated {p.shape}")
    for name, shares in (("true", t), ("estimated", p)):
        if not (shares >= 0).all() or not (shares.sum(0) > 0).all():
            raise ConfigError(
                f"the {name} importances must not be negative, and each output needs "
                "at least one above zero"
            )
    t, p = t / t.sum(0), np.maximum(p / p.sum(0), 1e-6)
    # t ln t -> 0; both branches are evaluated, and ln(1e-6) is finite.
    terms = np.where(t > 0, t * np.log(1e-6 + t / p), 0.0)
    return float(np.mean(terms.sum(0)))


# -- parts ------------------------------------------------------------------------------
def _function(model: Any, table: "Table") -> tuple[Rows, list[str]]:
    """Return raw features (n, d) -> (n, L), and the names of the outputs."""
    # Told by what they offer, not by class: equations need no torch, a network does.
    if hasattr(model, "unconstrained_values"):
        names = table.feature_names

        def equations(x: Array) -> Array:
            columns = dict(zip(names, x.T, strict=True))
            values = model.unconstrained_values(columns).values()
            # A latent without features is one number and is spread over the rows.
            return np.stack(
                [np.broadcast_to(column, len(x)) for column in values], axis=1
            )

        return equations, list(model.latent_names)
    if hasattr(model, "raw_latents"):
        model.check_features(table)
        return _network(model), list(model.latent_names)
    # A plain function is called once on two rows to learn how many outputs it has.
    count = _two_dimensional(model(table.features[:2].numpy())).shape[1]
    names = ["output"] if count == 1 else [f"output{k + 1}" for k in range(count)]
    return lambda x: _two_dimensional(model(x)), names


def _network(model: Any) -> Rows:
    import torch

    def network(x: Array) -> Array:
        was_training = model.training
        model.eval()  # batch statistics are used, not learned
        try:
            with torch.no_grad():
                return model.raw_latents(model.scaled(torch.from_numpy(x))).numpy()
        finally:
            model.train(was_training)

    return network


def _two_dimensional(values: Any) -> Array:
    array = np.asarray(values, dtype=float)
    return array[:, None] if array.ndim == 1 else array


def _columns(table: "Table", features: Sequence[str] | None) -> list[int]:
    names = list(table.feature_names)
    for name in features or ():
        if name not in names:
            raise ColumnError(
                f"the table has no feature {name!r}. {closest_names(name, names)}"
            )
    return [names.index(name) for name in (features or names)]


def _sample(x: Array, rows: int | None, seed: int) -> Array:
    if rows is None or len(x) <= rows:
        return x
    drawn = np.random.default_rng(seed).choice(len(x), rows, replace=False)
    return x[np.sort(drawn)]


def _grid_of(values: Array, grid: int) -> Array:
    unique = np.unique(values)
    if len(unique) < grid:
        return unique
    return np.linspace(unique[0], unique[-1], grid)


def _means(evaluate: Rows, x: Array, column: int, values: Array) -> Array:
    """Mean outputs (g, L) with one column set to each of the values (g,)."""
    # (values in a chunk) * n rows are handed over at once: rows vary fastest, values
    # slowest, so that reshape (values, n, L) averages over the rows.
    many = max(1, AT_ONCE // len(x))
    means = []
    for first in range(0, len(values), many):
        part = values[first : first + many]
        stacked = np.tile(x, (len(part), 1))
        stacked[:, column] = np.repeat(part, len(x))
        means.append(evaluate(stacked).reshape(len(part), len(x), -1).mean(1))
    return np.concatenate(means)


def _added_means(evaluate: Rows, x: Array, column: int, values: Array) -> Array:
    """Means like `_means` of a sum of curves: one feature moves all rows alike."""
    moved = np.tile(x[:1], (len(values), 1))
    moved[:, column] = values
    return evaluate(moved) - evaluate(x[:1]) + evaluate(x).mean(0)


def _adds_up(model: Any) -> bool:
    """Whether every raw latent of a network is a sum of curves of single features."""
    if not hasattr(model, "raw_latents"):
        return False
    from sciren.encoders import AdditiveEncoder, KANEncoder

    encoder = model.encoder
    return isinstance(encoder, AdditiveEncoder) or (
        isinstance(encoder, KANEncoder) and not encoder.hidden
    )


def _local(evaluate: Rows, x: Array, column: int, edges: Array) -> Array:
    """Accumulated effects (edges, L), centred over the rows."""
    if len(edges) < 2:
        return np.zeros((len(edges), evaluate(x[:1]).shape[1]))
    # Bin k holds edges[k - 1] < x <= edges[k]; the smallest value belongs to the first
    # bin.
    place = np.searchsorted(edges, x[:, column], side="left")
    place = np.clip(place, 1, len(edges) - 1)
    above, below = x.copy(), x.copy()
    above[:, column], below[:, column] = edges[place], edges[place - 1]
    # Only the one feature moves, by the width of its own bin: other features stay as
    # observed.
    gaps = evaluate(above) - evaluate(below)
    count = np.bincount(place, minlength=len(edges))[1:, None]
    sums = np.zeros((len(edges) - 1, gaps.shape[1]))
    np.add.at(sums, place - 1, gaps)
    steps = sums / np.maximum(count, 1)
    effect = np.concatenate((np.zeros((1, gaps.shape[1])), np.cumsum(steps, axis=0)))
    # Centred over the rows: a row inside a bin has about the mean of the effects at its
    # edges.
    middle = (effect[1:] + effect[:-1]) / 2
    return effect - (middle * count).sum(0) / count.sum()


def _long(
    parts: Iterable[tuple[str, Array, Array]], latents: Sequence[str]
) -> "pd.DataFrame":
    import pandas as pd

    rows: list[Mapping[str, Any]] = []
    for feature, values, effect in parts:
        for k, latent in enumerate(latents):
            rows += [
                {"latent": latent, "feature": feature, "value": v, "effect": e}
                for v, e in zip(values.tolist(), effect[:, k].tolist(), strict=True)
            ]
    return pd.DataFrame(rows, columns=["latent", "feature", "value", "effect"])
