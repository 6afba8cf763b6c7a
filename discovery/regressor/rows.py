"""Columns and rows of X on their way into a `sciren.Table`."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from discovery.regressor.inputs import (
    FROM_PIPELINES,
    column_position,
    given_forcings,
)
from discovery.tables.columns import named_frame, with_kinds
from sciren.errors import ConfigError, DataError, closest_names

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.model import ScIReN

# scikit-learn's own annotations are too narrow for what these accept
_validate: Any = validate_data
_check: Any = check_array


class Rows:
    """What an estimator knows of the columns of X, and the tables that it makes of it."""

    features: Any
    forcings: Any
    missing: str
    n_features_in_: int
    model_: "ScIReN"
    _kinds: dict[str, Any]
    _train: "Table"
    _valid: "Table"

    def _values(self, X: Any, reset: bool = False, finite: bool = True) -> np.ndarray:
        """Return X as numbers (n, columns)."""
        if self.missing not in ("error", "drop"):
            raise ConfigError(f"missing={self.missing!r}; use 'error' or 'drop'")
        # `validate_data` also remembers names and number of columns at fit, and
        # compares them later.
        complete = finite and self.missing == "error"
        return _validate(
            self, X, dtype=np.float64, reset=reset,
            ensure_min_samples=4 if reset else 1,
            ensure_all_finite=True if complete else "allow-nan",
        )  # fmt: skip

    def _usable(self, table: "Table", weights: np.ndarray | None) -> np.ndarray:
        """Return the rows (n,) that count: with a weight, without gaps."""
        # scikit-learn asks that a weight of zero is the same as leaving the row out.
        usable = np.ones(len(table), dtype=bool) if weights is None else weights > 0
        complete = whole_rows(table)
        if self.missing == "error" and not complete.all():
            raise DataError("forcings contain NaN; drop such rows with missing='drop'")
        if (usable & complete).sum() < 4:
            raise DataError(
                f"{int((usable & complete).sum())} rows have a weight and no gaps, too few"
            )
        return usable & complete

    def _columns_of(self, decoder: "Decoder", beside: Collection[str]) -> None:
        """Find out which columns of X are features and which are forcings.

        Args:
            decoder: the process model.
            beside: forcings that were given beside X.
        """
        names = self._column_names()
        given = dict(self.forcings or {})
        unknown = [name for name in given if name not in decoder.forcings]
        if unknown:
            raise ConfigError(
                f"forcings={given}: process model {decoder.name!r} knows no "
                f"{unknown[0]!r}. {closest_names(unknown[0], decoder.forcings)}"
            )
        # None: given beside X; else the position of the column in X.
        self._forcing_columns: dict[str, int | None] = {
            name: None
            if name in beside
            else column_position(given.get(name, name), names, FROM_PIPELINES)
            for name in decoder.forcings
        }
        # By default what the process reads is not offered to the encoder as well.
        own = set(self._forcing_columns.values())
        self._feature_columns = (
            [k for k in range(len(names)) if k not in own]
            if self.features is None
            else [column_position(name, names) for name in self.features]
        )
        if not self._feature_columns:
            raise ConfigError(
                "no column of X is left for the encoder; name features=[...] "
                "(a forcing may be a feature too)"
            )
        self._target_columns = decoder.targets

    def _forcing_names(self) -> dict[str, str]:
        """Return the process model's name -> column, also of forcings beside X."""
        names = self._column_names()
        return {
            name: names[column]
            if column is not None
            # A forcing beside X may have the name of a column of X that holds something
            # else.
            else f"{name}_forcing"
            if name in names
            else name
            for name, column in self._forcing_columns.items()
        }

    def _column_names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return [f"x{k}" for k in range(self.n_features_in_)]
        return [str(name) for name in names]

    def _table(
        self,
        values: np.ndarray,
        beside: Mapping[str, np.ndarray],
        targets: np.ndarray | None = None,
        groups: Any = None,
        weights: np.ndarray | None = None,
    ) -> "Table":
        import torch

        from sciren.data import Table

        names = self._column_names()
        # Rows to predict have no targets at all.
        if targets is None:
            targets = np.empty((len(values), 0))
        blocks = np.arange(len(values))
        if groups is not None:
            check_consistent_length(values, groups)
            blocks = np.unique(np.asarray(groups), return_inverse=True)[1]
        features = tuple(names[k] for k in self._feature_columns)
        return Table(
            features=torch.tensor(values[:, self._feature_columns]),
            forcings={
                name: torch.tensor(beside[name] if k is None else values[:, k])
                for name, k in self._forcing_columns.items()
            },
            targets=torch.tensor(targets),
            feature_names=features,
            target_names=self._target_columns[: targets.shape[1]],
            forcing_columns=self._forcing_names(),
            target_columns={name: name for name in self._target_columns},
            weights=None if weights is None else torch.tensor(weights),
            blocks=torch.tensor(blocks),
            kinds={n: kind for n, kind in self._kinds.items() if n in features},
        )

    def _checked(self, X: Any, forcings: Any, needed: bool = True) -> "Table":
        """Return rows to predict; without need of forcings these may be missing."""
        check_is_fitted(self)
        X = with_kinds(X, (), {}, self._kinds)[0]
        values = self._values(X, finite=needed)
        # Latents need the features alone: these must be finite, forcings need not be.
        if not needed and self.missing == "error":
            _check(values[:, self._feature_columns], input_name="X")
        beside = given_forcings(forcings, self.model_.decoder, len(values))
        for name, column in self._forcing_columns.items():
            if column is None and name not in beside:
                if needed:
                    raise ConfigError(
                        f"forcing {name!r} was given beside X at fit; give it here too: "
                        "predict(X, forcings=...)"
                    )
                beside[name] = np.full(len(values), np.nan)
        return self._table(values, beside)

    def _warn_outside(self, X: Any, table: "Table") -> None:
        """Warn of rows beyond those that the model was made from."""
        from discovery.runs.predict_warnings import warn_outside, warn_unseen

        made = (self._train, self._valid)
        column_values = [_by_column(part) for part in made]
        ranges = {
            name: [
                min(np.nanmin(part[name]) for part in column_values),
                max(np.nanmax(part[name]) for part in column_values),
            ]
            for name in column_values[0]
        }
        now = _by_column(table)
        warn_outside(ranges, now, self._kinds)
        words = named_frame(X) if self._kinds else None
        if words is not None:
            warn_unseen(
                self._kinds, words, {n: now[n] for n in self._kinds if n in now}
            )

    def _frame(self, X: Any, table: "Table") -> "pd.DataFrame":
        """Return the columns of X, and forcings beside it, under their names."""
        import pandas as pd

        values = np.asarray(with_kinds(X, (), {}, self._kinds)[0], dtype=float)
        index = getattr(X, "index", None)
        frame = pd.DataFrame(values, columns=self._column_names(), index=index)
        # classes as they are written, so that messages show unseen ones
        words = named_frame(X) if self._kinds else None
        if words is not None:
            classes = {n: words[n].to_numpy() for n in self._kinds if n in words}
            frame = frame.assign(**classes)
        names = self._forcing_names()
        beside = {
            names[name]: part.numpy()
            for name, part in table.forcings.items()
            if self._forcing_columns[name] is None
        }
        return frame.assign(**beside)


def whole_rows(table: "Table") -> np.ndarray:
    """Return which rows (n,) have every feature and forcing."""
    parts = [table.features.numpy(), *(f.numpy() for f in table.forcings.values())]
    gaps = [np.isnan(part.reshape(len(table), -1)).any(axis=1) for part in parts]
    return np.logical_not(np.any(gaps, axis=0))


def _by_column(table: "Table") -> dict[str, np.ndarray]:
    """Return column -> values (n,) of features and of forcings with one value a row."""
    columns = dict(zip(table.feature_names, table.features.numpy().T, strict=True))
    forcings = {
        table.forcing_columns[name]: part.numpy()
        for name, part in table.forcings.items()
        if part.ndim == 1
    }
    return columns | forcings
