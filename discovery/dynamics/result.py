"""What was found on series: relations of groups inside a recurrence, as one object."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sciren.errors import ConfigError, ExpressionError, FormatError
from symbolic.dynamics.latex import recurrence_latex
from symbolic.dynamics.python_code import recurrence_python
from symbolic.dynamics.recurrence import Recurrence
from symbolic.verdict import Verification

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from sciren.data import SeriesTable
    from symbolic.model.symbolic_model import SymbolicModel

FORMAT = "sciren series equations 1"


@dataclass(eq=False)
class SeriesEquations:
    """A recurrence and the relations behind its latents: predicts, prints, saves.

    Attributes:
        relations: latent per group -> formula of static features, with the constants of
            the process.
        law: one step of the process.
        columns: how series are read: group, time, time_unit.
        verification: checks of the free run, see `discovery.dynamics.checks`.
    """

    relations: "SymbolicModel"
    law: Recurrence
    columns: Mapping[str, Any]
    verification: Verification | None = None

    def parameters(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return latents and constants, one row a row of static features.

        Raises:
            ColumnError: a static feature is missing.
        """
        values = self.relations.latents(frame)
        return values.assign(**self.relations.constants)

    def series(self, frame: Any) -> "SeriesTable":
        """Read the series of a long table as these equations need it."""
        from sciren.data import SeriesTable

        known = dict(self.columns)
        return SeriesTable.from_frame(
            frame, group=known["group"], time=known["time"],
            static=self.relations.used_features(), forcings=dict(self.law.forcings),
            time_unit=known["time_unit"],
            gaps="keep" if self.law.time == "ode" else "raise", constant="keep",
        )  # fmt: skip

    def predict(self, frame: Any) -> "pd.DataFrame":
        """Simulate the groups of a long table; one row each of its rows, in its order.

        Args:
            frame: group, time, static features and forcings; targets are not needed.
        Returns:
            Group, time, targets, states at the start of the row, latents, and
            ``warm_up``: 1 in the first rows of a group, whose states are not run in yet.
        Raises:
            ColumnError, DataError: the table is no series, or a column is missing.
        """
        import pandas as pd

        series = self.series(frame)
        static = pd.DataFrame(series.static, columns=list(series.static_names))
        parameters = self.parameters(static)
        known = {n: parameters[n].to_numpy() for n in parameters.columns}
        states, outputs = self.law.run(known, series.forcings, series.intervals)
        place = series.active
        group = np.broadcast_to(np.arange(len(series)), place.shape)[place]
        row = np.broadcast_to(np.arange(series.rows)[:, None], place.shape)[place]
        columns: dict[str, Any] = {}
        if series.group_column is not None:
            columns[series.group_column] = np.array(series.groups)[group]
        columns[series.time_column] = series.time[place]
        columns |= {name: values[place] for name, values in outputs.items()}
        columns |= {name: values[:-1][place] for name, values in states.items()}
        columns |= {n: known[n][group] for n in self.relations.equations}
        columns["warm_up"] = (row < self.law.warmup).astype(int)
        order = np.argsort(series.row_ids[place])
        return pd.DataFrame(columns).iloc[order].reset_index(drop=True)

    def latex(self, digits: int = 3) -> str:
        """Return all equations as one ``aligned`` environment with group and time."""
        lines = recurrence_latex(
            self.law, self.relations.equations, self.relations.constants, digits
        )
        body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def to_code(self, language: str = "python") -> str:
        """Return source code that runs the model; `run` simulates one group.

        Raises:
            ConfigError: another language than Python.
        """
        if language != "python":
            raise ConfigError(
                f"equations of series are written in 'python', not in {language!r}; the "
                "relations alone are written by .relations.to_code"
            )
        return recurrence_python(
            self.law, self.relations.to_code("python"), self.relations.constants
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        from symbolic.model.storage import to_json

        return {
            "format": FORMAT,
            "relations": to_json(self.relations),
            "recurrence": self.law.to_json(),
            "columns": dict(self.columns),
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
        from symbolic.model.storage import from_json
        from symbolic.model.symbolic_model import SymbolicModel

        path = Path(path)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict) or stored.get("format") != FORMAT:
                raise FormatError(f"it is no file of the format {FORMAT!r}")
            judged = stored["verification"]
            return cls(
                from_json(stored["relations"], SymbolicModel),
                Recurrence.from_json(stored["recurrence"]),
                dict(stored["columns"]),
                Verification.from_json(judged) if judged else None,
            )
        except (OSError, ValueError, LookupError, TypeError, ExpressionError) as error:
            raise FormatError(
                f"equations of series {path} cannot be read: {error}"
            ) from error


@dataclass(eq=False)
class SeriesDiscovery:
    """What `discover` returns for series.

    Attributes:
        equations: relations and recurrence, verified by free runs.
        second_level: the discovery on the linearised rows of the groups: constants,
            intervals, candidates, verdict on the relations.
        scores: one row a part, group, target and model ("equations", "network",
            "constant"): nse, kge, bias.
        notes: sentences that a reader should not miss.
    """

    equations: SeriesEquations
    second_level: "Discovery"
    scores: "pd.DataFrame"
    notes: tuple[str, ...] = field(default=())

    @property
    def verification(self) -> Verification:
        """The checks of the free run."""
        assert self.equations.verification is not None  # `discover` attaches it
        return self.equations.verification

    @property
    def medians(self) -> "pd.DataFrame":
        """Medians of the scores over groups: one row a part, target and model."""
        columns = ["part", "target", "model"]
        return (
            self.scores.groupby(columns)[["nse", "kge", "bias"]].median().reset_index()
        )

    def predict(self, frame: Any) -> "pd.DataFrame":
        """Simulate the groups of a long table, see `SeriesEquations.predict`."""
        return self.equations.predict(frame)

    def latex(self, digits: int = 3) -> str:
        """Return all equations with group and time."""
        return self.equations.latex(digits)
