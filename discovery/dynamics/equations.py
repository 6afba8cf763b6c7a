"""Relations of groups inside a recurrence: they predict, print, save, as one object."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discovery.dynamics.deviating import GroupModes
from discovery.dynamics.spread import Spread
from sciren.bounded import damage_told, parse_json, read_bounded
from sciren.errors import (
    DataError,
    FormatError,
    closest_names,
)
from symbolic.dynamics.code import recurrence_code
from symbolic.dynamics.latex import aligned, deviation_latex, recurrence_latex
from symbolic.dynamics.recurrence import Recurrence
from symbolic.verdict import Verification

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import SeriesTable
    from symbolic.model.symbolic_model import SymbolicModel

CONSISTENT = ("same free run", "as good as the curves", "derivatives", "mass balance")
"""Checks whose failure says that the printed equations are not what was fitted; the
others ask what the equations are worth, and are answered by the verdict."""


@dataclass(eq=False)
class SeriesEquations:
    """A recurrence and the relations behind its latents: predicts, prints, saves.

    Attributes:
        relations: latent per group -> formula of static features, with the constants of
            the process.
        law: one step of the process.
        columns: how series are read: group, time, time_unit.
        verification: checks of the free run, see `discovery.dynamics.verdict.checks`.
        spread: target -> how far observations lie from free runs.
        own: group -> latent -> value, of groups with numbers of their own.
        ranges: state or static feature -> lowest and highest value of the training.
        deviations: of groups from the relations; None where they deviate by nothing.
    """

    relations: "SymbolicModel"
    law: Recurrence
    columns: Mapping[str, Any]
    verification: Verification | None = None
    spread: dict[str, Spread] = field(default_factory=dict)
    own: dict[str, dict[str, float]] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    deviations: GroupModes | None = None

    def verified_with(self, verification: Verification | None) -> Verification:
        """Join the checks of relations and those that free runs are the process.

        What the other checks of free runs ask, the verdict answers.
        """
        own = self.verification.checks if self.verification else ()
        runs = tuple(check for check in own if check.name in CONSISTENT)
        relations = verification or Verification(())
        return Verification((*relations.checks, *runs), relations.agreement)

    def parameters(self, series: "SeriesTable") -> dict[str, np.ndarray]:
        """Return name -> value of every group (G,): latents, and the constants of all.

        Groups that deviate are where the relations say, see `at_modes`.

        Raises:
            DataError: a group is not among those that have numbers of their own, and no
                relation says anything about it.
        """
        import pandas as pd

        if self.own:
            return self._own_of(series.groups)
        # A process without latents of groups: constants alone.
        if not self.relations.equations:
            constants = self.relations.constants
            return {
                name: np.full(len(series), value) for name, value in constants.items()
            }
        static = pd.DataFrame(series.static, columns=list(series.static_names))
        values = self.relations.latents(static).assign(**self.relations.constants)
        return {str(n): values[n].to_numpy() for n in values.columns}

    def at_modes(self, series: "SeriesTable") -> dict[str, np.ndarray]:
        """Return the same with the deviations of the groups that are known."""
        values = self.parameters(series)
        if self.deviations is None:
            return values
        return self.deviations.moved(values, series.groups)

    def _own_of(self, groups: tuple[str, ...]) -> dict[str, np.ndarray]:
        unknown = [name for name in groups if name not in self.own]
        if unknown:
            raise DataError(
                f"group {unknown[0]!r} has no numbers: these equations hold those of "
                f"{len(self.own)} groups and say nothing about others. "
                f"{closest_names(unknown[0], self.own)}"
            )
        names = next(iter(self.own.values()))
        return {n: np.array([self.own[g][n] for g in groups]) for n in names}

    def series(self, frame: Any, static: Sequence[str] | None = None) -> "SeriesTable":
        """Read the series of a long table as these equations need it.

        Args:
            frame: long table.
            static: columns of features; default those that the equations use.
        """
        from sciren.data import SeriesTable

        columns = dict(self.columns)
        if static is None:
            bare = self.own or not self.relations.equations
            # Features that the equations dropped need not be in a new table.
            static = () if bare else self.relations.used_features()
        return SeriesTable.from_frame(
            frame, group=columns["group"], time=columns["time"],
            static=static,
            forcings=dict(self.law.forcings), time_unit=columns["time_unit"],
            time_format=columns.get("time_format"),
            # A recurrence steps from row to row, so a missing row would shift all later
            # ones; an ODE goes over any interval. Constant columns are fine in a
            # prediction.
            gaps="keep" if self.law.time == "ode" else "raise", constant="keep",
        )  # fmt: skip

    def run(
        self, series: "SeriesTable"
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run series freely: state -> (T + 1, G), target -> (T, G)."""
        return self.law.run(self.at_modes(series), series.forcings, series.intervals)

    def predict(self, frame: Any, interval: float | None = None) -> "pd.DataFrame":
        """Simulate the groups of a long table; one row each of its rows, in its order.

        Args:
            frame: group, time, static features and forcings; targets are not needed.
            interval: probability; also the columns q_low and q_high of a new observation
                of a target q.
        Returns:
            Group, time, targets, states at the start of the row, latents,
            ``warm_up``: 1 in the first rows of a group, whose states are not run in yet,
            and ``outside``: 1 where a state or static feature is beyond those that the
            equations were learned from; where groups deviate also ``known``: 1 where a
            group is one of the training and runs at its own numbers.
        Raises:
            ColumnError, DataError: the table is no series, or a column is missing.
        """
        series = self.series(frame)
        return self.simulated(series, self.at_modes(series), interval)

    def simulated(
        self,
        series: "SeriesTable",
        values: Mapping[str, np.ndarray],
        interval: float | None = None,
    ) -> "pd.DataFrame":
        """Run series with these latents and constants, as `predict` returns it."""
        import pandas as pd

        states, outputs = self.law.run(values, series.forcings, series.intervals)
        # Arrays (T, G) are padded; place picks the rows of the table, and the last sort
        # brings them back into its order.
        place = series.active
        group = np.broadcast_to(np.arange(len(series)), place.shape)[place]
        row = np.broadcast_to(np.arange(series.rows)[:, None], place.shape)[place]
        columns: dict[str, Any] = {}
        if series.group_column is not None:
            columns[series.group_column] = np.array(series.groups)[group]
        columns[series.time_column] = series.time[place]
        columns |= {name: values[place] for name, values in outputs.items()}
        if interval is not None:
            columns |= self._intervals(series, outputs, interval)
        # States have T + 1 rows: before every step and after the last one; shown is the
        # start.
        columns |= {name: values[:-1][place] for name, values in states.items()}
        latents = [n for n in values if n not in self.relations.constants]
        columns |= {n: values[n][group] for n in latents}
        columns["warm_up"] = (row < self.law.warmup).astype(int)
        columns["outside"] = self._outside(series, states)[place].astype(int)
        if self.deviations is not None:
            columns["known"] = self.deviations.known(series.groups)[group].astype(int)
        order = np.argsort(series.row_ids[place])
        return pd.DataFrame(columns).iloc[order].reset_index(drop=True)

    def _intervals(
        self, series: "SeriesTable", outputs: Mapping[str, np.ndarray], level: float
    ) -> dict[str, np.ndarray]:
        place, ends = series.active, {}
        for name in self.spread:
            low, high = self.limits(series, name, outputs[name], level)
            ends |= {f"{name}_low": low[place], f"{name}_high": high[place]}
        return ends

    def limits(
        self, series: "SeriesTable", target: str, simulated: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ends (T, G) that hold a new observation with this probability.

        Groups at their modes have intervals of their own; those of others hold what
        groups deviate as well.

        Args:
            series: of the groups;  target: its name.
            simulated: (T, G) free runs.
            level: probability.
        """
        low, high = self.spread[target].limits(simulated, level)
        if self.deviations is None or target not in self.deviations.spread:
            return low, high
        near = self.deviations.spread[target].limits(simulated, level)
        of_known_group = self.deviations.known(series.groups)
        return np.where(of_known_group, near[0], low), np.where(
            of_known_group, near[1], high
        )

    def _outside(
        self, series: "SeriesTable", states: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Where a state, or a static feature of the group, leaves its known range (T, G)."""
        beyond = np.zeros(series.time.shape, dtype=bool)
        static = dict(zip(series.static_names, series.static.T, strict=True))
        for name, (low, high) in self.ranges.items():
            # (T, G) of a state, (G,) of a feature: both broadcast against (T, G).
            values = states[name][:-1] if name in states else static.get(name)
            if values is not None:
                beyond |= (values < low) | (values > high)
        return beyond

    def latex(self, digits: int = 3) -> str:
        """Return all equations as one ``aligned`` environment with group and time."""
        lines = recurrence_latex(
            self.law, self.relations.equations, self.relations.constants, digits
        )
        if self.deviations is not None:
            lines += deviation_latex(self.deviations.laws, digits)
        return aligned(lines)

    def to_code(
        self, language: str = "python", provenance: Mapping[str, str] | None = None
    ) -> str:
        """Return source code that runs the model; `run` simulates one group.

        Args:
            language: "python", "c", "fortran", "julia" or "r".
            provenance: label -> text for the first comment.
        Raises:
            ConfigError: another language.
        """
        return recurrence_code(self.law, self.relations, language, provenance)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        from symbolic.model.storage import SERIES_FORMAT, to_json

        return {
            "format": SERIES_FORMAT,
            "relations": to_json(self.relations),
            "recurrence": self.law.to_json(),
            "columns": dict(self.columns),
            "spread": {name: spread.to_json() for name, spread in self.spread.items()},
            "own": self.own,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "deviations": self.deviations and self.deviations.to_json(),
            "verification": self.verification and self.verification.to_json(),
        }

    def save(self, path: str | Path) -> Path:
        """Write the equations as JSON; the file appears whole or not at all."""
        path = Path(path)
        hidden = path.with_name(f".{path.name}.part")
        hidden.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        hidden.replace(path)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read equations from JSON without running any code in them.

        Raises:
            FormatError: the file cannot be read.
        """
        from symbolic.model.storage import SERIES_FORMAT, from_json
        from symbolic.model.symbolic_model import SymbolicModel

        path = Path(path)
        what = f"equations of series {path} cannot be read"
        try:
            stored = parse_json(read_bounded(path))
        except (OSError, ValueError) as error:
            raise FormatError(f"{what}: {error}") from error
        with damage_told(FormatError, what, passed=()):
            if not isinstance(stored, dict) or stored.get("format") != SERIES_FORMAT:
                raise FormatError(f"it is no file of the format {SERIES_FORMAT!r}")
            judged, deviating = stored["verification"], stored.get("deviations")
            return cls(
                from_json(stored["relations"], SymbolicModel),
                Recurrence.from_json(stored["recurrence"]),
                dict(stored["columns"]),
                Verification.from_json(judged) if judged else None,
                {str(n): Spread.from_json(v) for n, v in stored["spread"].items()},
                {
                    str(group): {str(n): float(v) for n, v in numbers.items()}
                    for group, numbers in stored["own"].items()
                },
                {
                    str(n): (float(v[0]), float(v[1]))
                    for n, v in stored["ranges"].items()
                },
                GroupModes.from_json(deviating) if deviating else None,
            )
