"""How well free runs agree with series: over all rows, and the median over groups."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.dynamics.spread import Spread
from discovery.results.scoring import EQUATION
from sciren.agreement import Agreement

if TYPE_CHECKING:
    import pandas as pd

    from sciren.dynamics.groups.group_fit import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction

CONSTANT = "constant latents"
MODES = "equation, groups at their modes"
MEASURES = ("nse", "kge", "bias")


def pooled_scores(
    problems: "Mapping[str, GroupProblem]",
    runs: "Mapping[str, Mapping[str, SeriesPrediction]]",
    by_group: "pd.DataFrame",
) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Return part -> model -> target -> r2, rmse, bias, n and medians over groups.

    r2, rmse and bias are over all compared rows of all groups together; ``median_nse``,
    ``median_kge`` and ``median_bias`` (relative) are medians of the groups' own.

    Args:
        problems: part -> loss of its groups.
        runs: part -> model -> simulation.
        by_group: `discovery.dynamics.problems.scores_by_group` of these.
    """
    from sciren.dynamics.residuals import compared_targets

    medians = medians_of(by_group).set_index(["part", "model", "target"])
    scores: dict[str, Any] = {}
    for part, models in runs.items():
        process = problems[part].process
        observed = compared_targets(process)
        for model, run in models.items():
            for number, target in enumerate(process.model.targets):
                o, y = observed[..., number].ravel(), run.outputs[..., number].ravel()
                finite = ~np.isnan(o)
                score = Agreement.of(o[finite], y[finite])
                row = medians.loc[part, model, target]
                scores.setdefault(part, {}).setdefault(model, {})[target] = {
                    "r2": score.r2, "rmse": score.rmse, "bias": score.bias, "n": score.rows,
                    **{f"median_{name}": float(row[name]) for name in MEASURES},
                }  # fmt: skip
    return scores


def medians_of(by_group: "pd.DataFrame") -> "pd.DataFrame":
    """Return medians over groups: one row a part, target and model."""
    columns = ["part", "target", "model"]
    return by_group.groupby(columns)[list(MEASURES)].median().reset_index()


def spread_of(
    problems: "Mapping[str, GroupProblem]",
    runs: "Mapping[str, Mapping[str, SeriesPrediction]]",
    part: str | None = None,
    model: str = EQUATION,
) -> dict[str, Spread]:
    """Return target -> how far observations lie from free runs of a model.

    Args:
        problems, runs: as in `pooled_scores`.
        part: whose series; default those of the validation, which chose little, or of the
            training where there are no others.
        model: that ran.
    """
    from sciren.dynamics.residuals import compared_targets

    part = part or ("valid" if "valid" in problems else "train")
    problem = problems[part]
    observed, outputs = compared_targets(problem.process), runs[part][model].outputs
    scale = problem.comparison.scale
    return {
        name: Spread.of(observed[..., k], outputs[..., k], scale, k)
        for k, name in enumerate(problem.process.model.targets)
    }


def ranges_of(
    problem: "GroupProblem", run: "SeriesPrediction"
) -> dict[str, tuple[float, float]]:
    """Return the range of every state in a free run, and of every static feature."""
    table, model = problem.process.table, problem.process.model
    # states (T + 1, G, S) -> (S, T, G) without the last row, then active rows (S,
    # rows).
    states = np.moveaxis(run.states, 2, 0)[:, :-1][:, table.active]
    columns = dict(zip(model.state_names, states, strict=True))
    columns |= dict(zip(table.static_names, table.static.T, strict=True))
    return {n: (float(v.min()), float(v.max())) for n, v in columns.items()}
