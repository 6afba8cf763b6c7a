"""How well simulated series agree with observed ones, group by group."""

import numpy as np
import pandas as pd

from sciren.agreement import power_of_two
from sciren.dynamics.residuals import compared_targets
from sciren.dynamics.solving.simulation import SeriesProcess

FEWEST = 3  # observations from which a group is scored


def group_scores(process: SeriesProcess, outputs: np.ndarray) -> pd.DataFrame:
    """Return one row a group and target: nse, kge, bias, observations.

        nse  = 1 - sum (y - o)^2 / sum (o - mean o)^2
        kge  = 1 - sqrt((r - 1)^2 + (sd y / sd o - 1)^2 + (mean y / mean o - 1)^2)
        bias = mean y / mean o - 1

    Warm-up, padding and what is not observed do not count.

    Args:
        process: model and series with targets.
        outputs: (T, G, m) simulated.
    Reference: Nash and Sutcliffe 1970; Gupta et al. 2009.
    """
    observed = compared_targets(process)
    rows = []
    for group, label in enumerate(process.table.groups):
        for number, target in enumerate(process.model.targets):
            o = observed[:, group, number]
            seen = ~np.isnan(o)
            scores = _scores(outputs[seen, group, number], o[seen])
            rows.append({"group": label, "target": target} | scores)
    return pd.DataFrame(rows)


def _scores(y: np.ndarray, o: np.ndarray) -> dict[str, float]:
    size = power_of_two(o)
    y, o = y / size, o / size
    scores = {"nse": np.nan, "kge": np.nan, "bias": np.nan, "observations": len(o)}
    # Both scores divide by the spread of the observations.
    if len(o) < FEWEST or o.std() == 0:
        return scores
    scores["nse"] = float(1 - np.mean((y - o) ** 2) / o.var())
    # A constant simulation has no correlation; a mean of zero has no ratio.
    if y.std() > 0 and o.mean() != 0:
        parts = (np.corrcoef(y, o)[0, 1], y.std() / o.std(), y.mean() / o.mean())
        scores["kge"] = float(1 - np.sqrt(sum((part - 1) ** 2 for part in parts)))
        scores["bias"] = float(parts[2] - 1)
    return scores
