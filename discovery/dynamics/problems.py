"""The series of a discovery, compared as in their fit: losses, numbers, free runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable, Table
    from sciren.dynamics.groups.group_fit import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction
    from sciren.dynamics.residuals import NoiseOfSeries
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

Numbers = Mapping[str, np.ndarray]

CONSTANT_STEPS, HALVINGS = 6, 6
"""Gauss-Newton steps to the best shared numbers, from the mean of those of the groups, and
halvings of each: near quadratic losses end after the third step (simulated catchments of
`python -m benchmarks.dynamics catchments`), steps that gain nothing end the search."""


@dataclass
class SeriesProblems:
    """A trained model on the parts of a study.

    Args:
        model: trained on series; its process has memory.
        series: "train", "valid", "test" -> series, those that there are.
        noise: of the fit, in every part the same.
        substeps: of the solver of an ODE; default as many as the network's numbers need.
    """

    model: "ScIReN"
    series: "dict[str, SeriesTable]"
    noise: "NoiseOfSeries"
    substeps: int | None = None
    _known: "dict[str, GroupProblem]" = field(default_factory=dict, repr=False)

    def problem(self, part: str) -> "GroupProblem":
        """Return the loss of the groups of a part under the noise of the fit."""
        from dataclasses import replace

        from sciren.dynamics.fitting import series_problem

        if part not in self._known:
            plain = series_problem(self.model, self.series[part])
            # Once, from the training groups: all parts must be solved alike.
            if self.substeps is None:
                self.substeps = self._enough_substeps()
            self._known[part] = replace(
                plain,
                comparison=replace(plain.comparison, noise=self.noise),
                process=replace(plain.process, substeps=self.substeps),
            )
        return self._known[part]

    def all(self) -> "dict[str, GroupProblem]":
        """Return the losses of all parts."""
        return {name: self.problem(name) for name in self.series}

    def _enough_substeps(self) -> int:
        from sciren.dynamics.fitting import local_numbers, series_problem
        from sciren.dynamics.solving.accuracy import accurate

        train = self.series["train"]
        problem = series_problem(self.model, train)
        values = problem.scale.values(local_numbers(self.model, train))
        return accurate(problem.process, values).substeps

    def tables(self, numbers: Numbers) -> "dict[str, Table]":
        """Linearise the loss of every part at these numbers, as rows of a process."""
        from sciren.dynamics.fitting import linearised_at

        # One centre for all parts, so that their rows are about the same numbers.
        centre = numbers["train"].mean(0)
        return {
            name: linearised_at(self.problem(name), values, centre)[0].table(
                self.series[name]
            )
            for name, values in numbers.items()
        }

    def of_network(self) -> dict[str, np.ndarray]:
        """Return latents and constants (G, Q) that the network gives the groups."""
        from sciren.dynamics.fitting import local_numbers

        return {n: local_numbers(self.model, part) for n, part in self.series.items()}

    def of_relations(self, relations: "SymbolicModel") -> dict[str, np.ndarray]:
        """Return latents and constants (G, Q) that equations give the groups."""
        import pandas as pd

        names = list(self.problem("train").scale.names)
        by_part = {}
        for part, series in self.series.items():
            static = pd.DataFrame(series.static, columns=list(series.static_names))
            values = relations.latents(static).assign(**relations.constants)
            by_part[part] = values[names].to_numpy(dtype=float).copy()
        return by_part

    def of_constants(self, start: np.ndarray) -> dict[str, np.ndarray]:
        """Return the same latents for all groups, fitted to the training groups.

        Args:
            start: (G, Q) numbers of the training groups.
        """
        from sciren.dynamics.fitting import linearised_at

        # Each group's loss is (x - n_g)' P_g (x - n_g) near the present place; the best
        # shared numbers solve sum P_g x = sum P_g n_g.
        problem, shared, count = self.problem("train"), start.mean(0), len(start)
        for _ in range(CONSTANT_STEPS):
            part, loss = linearised_at(problem, np.tile(shared, (count, 1)), shared)
            pulled = np.einsum("gjk,gk->j", part.precision, part.numbers)
            place = problem.law.forward(shared)
            # Least squares and not solve: directions that no group sees have no number.
            step = np.linalg.lstsq(part.precision.sum(0), pulled)[0] - place
            better = self._shortened(shared, step, loss, count)
            if better is None:
                break
            shared = better
        return {n: np.tile(shared, (len(part), 1)) for n, part in self.series.items()}

    def _shortened(
        self, shared: np.ndarray, step: np.ndarray, loss: float, count: int
    ) -> np.ndarray | None:
        """Return where the step, halved until the loss falls, leads; None if nowhere."""
        problem = self.problem("train")
        for _ in range(HALVINGS):
            place = problem.law.forward(shared) + step
            moved = self._inside(problem.law.backward(place))
            if problem.losses_at(np.tile(moved, (count, 1))).sum() < loss:
                return moved
            step = step / 2
        return None

    def _inside(self, numbers: np.ndarray) -> np.ndarray:
        parameters = {p.name: p for p in self.model.decoder.parameters}
        names = self.problem("train").scale.names
        low, high = (
            [getattr(parameters[n], end) for n in names] for end in ("low", "high")
        )
        return np.clip(numbers, low, high)


def free_runs(
    problems: "Mapping[str, GroupProblem]", numbers_of: Mapping[str, Numbers]
) -> "dict[str, dict[str, SeriesPrediction]]":
    """Return part -> model -> simulation from the first row on, never one step ahead.

    Args:
        problems: part -> loss of its groups.
        numbers_of: model -> part -> latents and constants (G, Q).
    """
    from sciren.dynamics.prediction import simulated

    return {
        part: {
            model: simulated(problem.process, problem.scale, numbers[part])
            for model, numbers in numbers_of.items()
        }
        for part, problem in problems.items()
    }


def scores_by_group(
    problems: "Mapping[str, GroupProblem]",
    runs: "Mapping[str, Mapping[str, SeriesPrediction]]",
) -> "pd.DataFrame":
    """Return one row a part, model, group and target: nse, kge, bias, observations."""
    import pandas as pd

    from sciren.dynamics import group_scores

    rows = [
        group_scores(problems[part].process, run.outputs).assign(part=part, model=model)
        for part, models in runs.items()
        for model, run in models.items()
    ]
    return pd.concat(rows, ignore_index=True)
