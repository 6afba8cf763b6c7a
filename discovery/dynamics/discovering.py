"""discover on series: closed forms behind the constants of groups, refitted through runs.

Every linearisation of the loss turns groups into rows of a row-wise process
(`sciren.dynamics.linearised`), on which all of `discovery.discover` works. The loss is
linearised anew at the equations until a step through the simulation moves no constant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.dynamics.checks import free_run_checks
from discovery.dynamics.result import SeriesDiscovery, SeriesEquations
from sciren.errors import TrainingError
from symbolic.dynamics.recurrence import Recurrence
from symbolic.options import SymbolicOptions, options_of

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable, Table
    from sciren.dynamics import SeriesHistory
    from sciren.dynamics.group_fit import GroupProblem
    from sciren.model import ScIReN
    from sciren.training import History
    from symbolic.model.symbolic_model import SymbolicModel

REFITS = 3  # linearisations at the equations; one is usual


def discover_series(
    model: "ScIReN",
    train: "SeriesTable",
    valid: "SeriesTable | None" = None,
    test: "SeriesTable | None" = None,
    *,
    history: "History",
    options: SymbolicOptions | Mapping[str, Any] | Sequence[str] | None = None,
    seed: int = 0,
    **keywords: Any,
) -> SeriesDiscovery:
    """Turn a model that was fitted on series into verified equations.

    Args:
        model: trained by `sciren.fit`; it is not changed.
        train: groups that it was trained on;  valid, test: others.
        history: what `fit` returned, with the noise of the series.
        options, keywords: as in `discovery.discover`.
        seed: of everything random.
    Raises:
        TrainingError: the history is not that of a fit on series.
        ExpressionError: the step cannot be written with symbols.
    """
    from discovery.results.stages import discover
    from sciren.comparison import ResidualScale
    from sciren.dynamics.fitting import SeriesHistory, local_numbers, second_level

    if not isinstance(history, SeriesHistory) or history.problems is None:
        raise TrainingError(
            "discover on series needs the history of fit(model, train, valid), which "
            "holds the noise of the series; pass history=..."
        )
    given = {"train": train, "valid": valid, "test": test}
    series = {name: part for name, part in given.items() if part is not None}
    study = _Study(model, series, history)
    substeps = study.problem("train").process.substeps
    law = Recurrence.of(model.decoder, train.forcing_columns, substeps)
    inner = second_level(model)
    numbers = {name: local_numbers(model, part) for name, part in series.items()}
    tables = study.tables(numbers)
    inner.residual_scale = ResidualScale.fit(tables["train"].targets)
    decided = options_of(options, keywords)
    level = discover(
        inner, tables["train"], tables.get("valid"), tables.get("test"), history=history,
        options=decided, seed=seed,
    )  # fmt: skip
    if level.equations is None:
        raise TrainingError(f"there are no equations: {' '.join(level.notes)}")
    relations = study.refitted(level.equations, inner, decided, seed)
    level.equations = relations
    columns = {
        "group": train.group_column,
        "time": train.time_column,
        "time_unit": None if train.time.dtype.kind == "M" else train.time_unit,
    }
    equations = SeriesEquations(relations, law, columns)
    known = {
        "equations": {n: study.numbers_of(relations, p) for n, p in series.items()},
        "network": numbers,
        "constant": study.constant_numbers(numbers["train"]),
    }
    scores = study.scores(known)
    equations.verification = free_run_checks(
        study.problem("train"), equations, known, scores
    )
    return SeriesDiscovery(equations, level, scores, level.notes)


@dataclass
class _Study:
    """The series of one discovery, compared as in the fit."""

    model: "ScIReN"
    series: "dict[str, SeriesTable]"
    history: "SeriesHistory"

    def problem(self, part: str) -> "GroupProblem":
        """Return the loss of the groups of a part under the noise of the fit."""
        from sciren.dynamics.fitting import replace_series

        known = self.history.problems or {}
        if part in known:
            return known[part]
        return replace_series(known["train"], self.series[part])

    def tables(self, numbers: Mapping[str, np.ndarray]) -> "dict[str, Table]":
        """Linearise the loss of every part at these numbers, as rows of a process."""
        from sciren.dynamics.fitting import linearised_at

        centre = numbers["train"].mean(0)
        return {
            name: linearised_at(self.problem(name), values, centre)[0].table(
                self.series[name]
            )
            for name, values in numbers.items()
        }

    def numbers_of(self, relations: "SymbolicModel", part: "SeriesTable") -> np.ndarray:
        """Return latents and constants (G, Q) that the equations give the groups."""
        import pandas as pd

        static = pd.DataFrame(part.static, columns=list(part.static_names))
        values = relations.latents(static).assign(**relations.constants)
        names = self.problem("train").scale.names
        return values[list(names)].to_numpy(dtype=float).copy()

    def refitted(
        self,
        relations: "SymbolicModel",
        inner: "ScIReN",
        options: SymbolicOptions,
        seed: int,
    ) -> "SymbolicModel":
        """Refit the constants through the simulation until a step moves none of them."""
        import copy

        from symbolic import symbolify, verify

        inner = copy.deepcopy(inner)
        _only_edges_of(relations, inner)
        for number in range(REFITS):
            numbers = {n: self.numbers_of(relations, p) for n, p in self.series.items()}
            tables = self.tables(numbers)
            checks = verify(
                relations,
                inner,
                tables["train"],
                tables.get("valid"),
                tables.get("test"),
            )
            still = next(one for one in checks.checks if one.name == "stationary")
            if still.passed or number == REFITS - 1:
                break
            again = options_of(options, {"pins": options.pins | _families(relations)})
            relations = symbolify(inner, tables["train"], again, seed=seed)
        return relations

    def constant_numbers(self, start: np.ndarray) -> dict[str, np.ndarray]:
        """Return the same latents for all groups, fitted to the training groups."""
        from sciren.dynamics.fitting import linearised_at

        problem = self.problem("train")
        shared = start.mean(0)
        for _ in range(3):
            everywhere = np.tile(shared, (len(start), 1))
            part, _loss = linearised_at(problem, everywhere, shared)
            pulled = np.einsum("gjk,gk->j", part.precision, part.numbers)
            step = np.linalg.solve(part.precision.sum(0), pulled) - shared
            shared = self._inside(shared + step)
        return {n: np.tile(shared, (len(p), 1)) for n, p in self.series.items()}

    def _inside(self, numbers: np.ndarray) -> np.ndarray:
        scale = self.problem("train").scale
        known = {p.name: p for p in self.model.decoder.parameters}
        low = [known[name].low for name in scale.names]
        high = [known[name].high for name in scale.names]
        return np.clip(numbers, low, high)

    def scores(self, known: Mapping[str, Mapping[str, np.ndarray]]) -> "pd.DataFrame":
        """Return the scores of every model, part, group and target."""
        import pandas as pd

        from sciren.dynamics import group_scores
        from sciren.dynamics.prediction import simulated

        rows = []
        for model, parts in known.items():
            for part, numbers in parts.items():
                problem = self.problem(part)
                run = simulated(problem.process, problem.scale, numbers)
                scores = group_scores(problem.process, run.outputs)
                rows.append(scores.assign(part=part, model=model))
        return pd.concat(rows, ignore_index=True)


def _only_edges_of(relations: "SymbolicModel", inner: "ScIReN") -> None:
    """Cut the edges of an additive encoder that the equations do without."""
    layers = getattr(inner.encoder, "spline_layers", [])
    if len(layers) != 1:
        return
    used = {
        (str(row["source"]), str(row["latent"]))
        for row in relations.edges.to_dict("records")
        if row["status"] != "dropped"
    }
    for i, feature in enumerate(inner.feature_names):
        for k, latent in enumerate(inner.latent_names):
            if (feature, latent) not in used:
                layers[0].mask[i, k] = 0.0


def _families(relations: "SymbolicModel") -> dict[str, str]:
    """Return edge -> family of a fitted model, to keep its forms in a refit."""
    return {
        f"{row['source']} -> {row['latent']}": str(row["family"])
        for row in relations.edges.to_dict("records")
        if row["status"] == "closed"
    }
