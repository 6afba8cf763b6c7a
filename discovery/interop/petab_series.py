"""A process of derivatives in time: a group is an experiment, its rows are periods.

The encoder sees what is constant in a group and is evaluated before the simulation. The
forcings of a row hold until the next row: each row where they change is a condition. States
are parameters of SBML with a rate rule; one with bounds does not move beyond them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import SubElement

import numpy as np
import sympy

from discovery.interop.petab_mathml import mathml
from discovery.interop.petab_network import Layer
from discovery.interop.petab_tables import (
    Problem,
    long_conditions,
    sbml_document,
    sbml_text,
)
from sciren.decoders.dynamic import DynamicModel
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable
    from sciren.model import ScIReN


class SeriesProblem(Problem):
    """The tables of a problem of series.

    Args:
        model: trained on series;  table: the series;  layers: of the encoder.
    Raises:
        ConfigError: the process counts steps, has latents in time, or has no formula.
    """

    def __init__(
        self, model: "ScIReN", table: "SeriesTable", layers: Sequence[Layer]
    ) -> None:
        from symbolic.expression.tracing import trace_step

        process = model.decoder
        assert isinstance(process, DynamicModel)  # the caller has asked
        check_series(process)
        traced = trace_step(process, {name: name for name in process.forcings})
        if traced is None:
            raise ConfigError(
                f"process model {process.name!r} cannot be written as a formula, which "
                "PEtab needs"
            )
        self.process, self.table, self.rates = process, table, traced[0]
        observed = {
            target: sympy.Symbol(state, real=True)
            for target, state in process.observed_states.items()
        }
        super().__init__(model, layers, traced[1] | observed)
        self.states = {name: self.name("state", name) for name in process.state_names}
        # A row is compared with the state at its beginning, so the first stands at time
        # zero.
        steps = np.cumsum(table.intervals, axis=0)
        self.time = np.concatenate([np.zeros((1, len(table))), steps[:-1]])
        self.experiment_ids = [
            self.name("experiment", f"group_{group}") for group in table.groups
        ]

    def further_names(self) -> dict[str, str]:
        """States stand in formulas."""
        return self.states

    def _periods(self) -> Iterator[tuple[int, int, dict[str, float]]]:
        """Yield group, row, and what changes there: name -> value."""
        table = self.table
        columns = [table.static_names.index(name) for name in self.model.feature_names]
        for group, length in enumerate(table.lengths):
            # A period ends where a forcing changes; equal neighbours would only split
            # the simulation of the other program.
            before: dict[str, float] = {}
            for row in range(length):
                now = {
                    name: float(table.forcings[own][row, group])
                    for name, own in zip(
                        self.forcings, self.process.forcings, strict=True
                    )
                }
                # Static features are said once: what a condition does not name stays as
                # it was.
                if row == 0:
                    static = table.static[group, columns].tolist()
                    yield (
                        group,
                        row,
                        dict(zip(self.features, static, strict=True)) | now,
                    )
                elif now != before:
                    yield group, row, now
                before = now

    def conditions(self) -> "pd.DataFrame":
        """Features of every group with its first forcings, then these where they change."""
        import pandas as pd

        return long_conditions(
            pd.DataFrame(
                [
                    {"conditionId": self._condition(group, row)} | changes
                    for group, row, changes in self._periods()
                ]
            )
        )

    def _condition(self, group: int, row: int) -> str:
        return f"{self.experiment_ids[group]}_row{row + 1}"

    def experiments(self) -> "pd.DataFrame":
        """One a group, with a period for every condition."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "experimentId": self.experiment_ids[group],
                    "time": self.time[row, group],
                    "conditionId": self._condition(group, row),
                }
                for group, row, _ in self._periods()
            ]
        )

    def _compared(self) -> np.ndarray:
        """Where a target is compared, (T, G, m)."""
        return self.table.compared(self.process.warmup)

    def noise(self) -> dict[str, float]:
        """Return target -> deviation of the residuals, see `Problem.noise`."""
        from sciren.dynamics.fitting import local_numbers, series_problem
        from sciren.dynamics.solving.accuracy import accurate

        problem = series_problem(self.model, self.table)
        values = problem.scale.values(local_numbers(self.model, self.table))
        # By substeps that no residual notices: other programs integrate to their own
        # tolerance, and the noise must not hold our error.
        outputs = accurate(problem.process, values).simulate(values).outputs
        size = self.error_size(outputs.transpose(1, 2, 0).copy())
        spread = {}
        for number, name in enumerate(self.process.targets):
            place = self.table.target_names.index(name)
            used = self._compared()[..., place]
            residual = self.table.targets[..., place] - outputs[number]
            residual = residual / size[..., number]
            spread[name] = float(np.std(residual[used]))
        return spread

    def measurements(self) -> "pd.DataFrame":
        """What was compared in every row."""
        import pandas as pd

        table, parts = self.table, []
        for name in self.process.targets:
            place = table.target_names.index(name)
            rows, groups = np.nonzero(self._compared()[..., place])
            parts.append(
                pd.DataFrame(
                    {
                        "observableId": self.observable(name),
                        "experimentId": np.array(self.experiment_ids)[groups],
                        "time": self.time[rows, groups],
                        "measurement": table.targets[rows, groups, place],
                    }
                )
            )
        return pd.concat(parts)

    def sbml(self) -> str:
        """Return a model with a rate rule for every state."""
        root, model = sbml_document("2")
        listed = SubElement(model, "listOfParameters")
        still = [*self.features, *self.forcings, *self.raw, *self.constants.values()]
        values = {
            self.constants[name]: value
            for name, value in self.model.constants().items()
        }
        for name in still:
            # Forcings change where a period begins.
            moves = str(name in self.forcings).lower()
            constant = "false" if moves == "true" else "true"
            value = repr(float(values.get(name, 0.0)))
            SubElement(listed, "parameter", id=name, value=value, constant=constant)
        for name in self.states.values():
            SubElement(listed, "parameter", id=name, constant="false")
        starts = SubElement(model, "listOfInitialAssignments")
        rules = SubElement(model, "listOfRules")
        for state in self.process.states:
            name = self.states[state.name]
            start = SubElement(starts, "initialAssignment", symbol=name)
            start.append(mathml(self._in_ids(self._start(state))))
            rule = SubElement(rules, "rateRule", variable=name)
            rule.append(mathml(self._in_ids(self._rate(state))))
        return sbml_text(root)

    def _start(self, state: Any) -> Any:
        start: Any = sympy.Float(state.start)
        if state.learn_start:
            start = sympy.Symbol(state.start_name, real=True)
        return start if state.of is None else start * self._parameter(state.of)

    def _parameter(self, name: str) -> Any:
        """Return a parameter as it stands in traced formulas, fixed ones as numbers."""
        fixed: Mapping[str, float] = self.process.parameters.fixed
        return (
            sympy.Float(fixed[name]) if name in fixed else sympy.Symbol(name, real=True)
        )

    def _rate(self, state: Any) -> Any:
        """Return the derivative, zero where it leads beyond a bound."""
        # A bound is part of the equation there: other programs know no states that are
        # held.
        rate, symbol = self.rates[state.name], sympy.Symbol(state.name, real=True)
        if state.low is not None:
            outside = (symbol <= state.low) & (rate < 0)
            rate = sympy.Piecewise((0, outside), (rate, True))
        if state.high is not None:
            outside = (symbol >= state.high) & (rate > 0)
            rate = sympy.Piecewise((0, outside), (rate, True))
        return rate

    def _in_ids(self, formula: Any) -> Any:
        """Return a formula of the ids of the problem, latents from raw ones."""
        names = {own: self.name("forcing", own) for own in self.process.forcings}
        names |= self.constants | self.states
        ids = {
            sympy.Symbol(own, real=True): sympy.Symbol(name, real=True)
            for own, name in names.items()
        }
        return formula.subs(self.latents()).xreplace(ids)


def check_series(process: DynamicModel) -> None:
    """Refuse what is no ODE behind an encoder of groups.

    Raises:
        ConfigError: says why.
    """
    if process.time != "ode":
        raise ConfigError(
            f"process model {process.name!r} counts steps, and PEtab knows derivatives in "
            "time alone; declare it with time='ode', or use the source code in code/"
        )
    if process.latents_in_time:
        raise ConfigError(
            f"latent {process.latents_in_time[0].name!r} of {process.name!r} changes in "
            "time, and the network of a PEtab problem is evaluated before the simulation; "
            "only latents with per='group' can be written"
        )
