"""Predictions of every model on every part of the data, and how well they do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.tables.records import scores

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from discovery.results.baselines import Predict
    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

Scores = dict[str, dict[str, dict[str, dict[str, float]]]]  # part, model, name, measure

NETWORK, EQUATION = "network", "equation"
CURVE = "curve of the state"


def feature_columns(table: "Table") -> dict[str, np.ndarray]:
    """Return the features of a table by column."""
    return dict(zip(table.feature_names, table.features.numpy().T, strict=True))


def equation_latents(equations: "SymbolicModel", table: "Table") -> "Tensor":
    """Return the latents (n, L) of the equations."""
    import torch

    latents = equations.latents(feature_columns(table))
    # A copy: pandas may hand out read-only memory, which torch must not share.
    return torch.from_numpy(latents.to_numpy(copy=True))


def equation_targets(
    equations: "SymbolicModel", model: "ScIReN", table: "Table"
) -> "Tensor":
    """Return the targets (n, t): equations inside, the process model itself outside."""
    import torch

    values = [equations.constants[name] for name in model.decoder.constant_names]
    constants = torch.tensor(values, dtype=torch.float64)
    latents = equation_latents(equations, table)
    # The process model itself and not its sympy form, so that it also serves those that
    # have none.
    with torch.no_grad():
        return model.decoder.evaluate(latents, constants, table.forcings)


def predictors(
    model: "ScIReN", equations: "SymbolicModel | None"
) -> "dict[str, Predict]":
    """Return the functions that give the targets of a table, by model."""
    predictions: dict[str, Predict] = {
        NETWORK: lambda table: model.predict(table).targets
    }
    if equations is not None:
        predictions[EQUATION] = lambda table: equation_targets(equations, model, table)
    return predictions


def target_scores(
    parts: "Mapping[str, Table]", models: "Mapping[str, Predict]"
) -> Scores:
    """Score the targets of every model on every part (name -> table)."""
    return {
        part: {
            name: scores(
                table.targets.numpy(),
                predict(table).numpy(),
                table.target_names,
                None if table.weights is None else table.weights.numpy(),
            )
            for name, predict in models.items()
        }
        for part, table in parts.items()
    }


def latent_scores(
    parts: "Mapping[str, Table]",
    truth: Mapping[str, np.ndarray],
    model: "ScIReN",
    equations: "SymbolicModel | None",
) -> Scores:
    """Score the latents whose true values are known; empty where none are.

    Args:
        parts: name -> table.
        truth: latent -> true value at every position that `Table.row_ids` counts.
        model, equations: what is scored.
    """
    if not truth:
        return {}
    columns = [model.latent_names.index(name) for name in truth]
    scored: Scores = {}
    for part, table in parts.items():
        estimates = {NETWORK: model.latents(table)}
        if equations is not None:
            estimates[EQUATION] = equation_latents(equations, table)
        # row_ids lead from the rows of a part to the positions in the file.
        true = np.stack([values[table.row_ids] for values in truth.values()], axis=1)
        scored[part] = {
            name: scores(true, values.numpy()[:, columns], tuple(truth))
            for name, values in estimates.items()
        }
    return scored


def long_scores(by_part: Mapping[str, Any], what: str = "target") -> "pd.DataFrame":
    """Return one row a split, model and target (or latent): r2, rmse, bias, n.

    Of series also the medians of NSE and KGE over groups.
    """
    import pandas as pd

    rows = [
        {"split": part, "model": model, what: name} | score
        for part, models in by_part.items()
        for model, named in models.items()
        for name, score in named.items()
    ]
    medians = [n for n in ("median_nse", "median_kge") if any(n in row for row in rows)]
    columns = ["split", "model", what, "r2", *medians, "rmse", "bias", "n"]
    return pd.DataFrame(rows, columns=columns)
