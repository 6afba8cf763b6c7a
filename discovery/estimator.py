"""ScIReNRegressor: the whole way behind scikit-learn's fit and predict."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from discovery.tables.columns import with_kinds
from sciren.errors import ColumnError, ConfigError, DataError, closest_names
from symbolic.options import SymbolicOptions, check_families, options_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from discovery.results.result import Discovery
    from discovery.verdict.record import Verdict
    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.training import TrainConfig

Column = str | int

# scikit-learn's own annotations are too narrow for what these accept
_validate: Any = validate_data
_check: Any = check_array


def _with_options(init: Callable[..., None]) -> Callable[..., None]:
    """Show every field of the options in the signature, where scikit-learn reads it.

    scikit-learn takes the names of parameters from the signature of the constructor, for
    `clone`, `get_params` and searches; ``**options`` alone would hide them.
    """
    signature = inspect.signature(init)
    shown = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shown += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in SymbolicOptions.model_fields
    ]
    init.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return init


class ScIReNRegressor(RegressorMixin, BaseEstimator):
    """Regression through a process model whose hidden parameters become equations.

        y = process_model(constraint(encoder(features)), constants, forcings)

    Without a process model it is plain regression by curves, y = encoder(X).

    Args:
        features: columns of X for the encoder, names or positions; default: all that
            are no forcings (all, where the process model needs none).
        decoder: process model, the name of a built-in one, or None.
        parameters: parameter of the process model -> what is declared anew, such as
            ``{"q10": 2}`` to fix it (see `sciren.decoders.redeclare`).
        forcings: the process model's name -> column of X; default: equal names.
        targets: names of the columns of y; default: those of the process model, of
            a DataFrame, or y.
        categorical: columns of X that are classes, names or positions; columns of words,
            of truth values and of pandas categories always are.
        periodic: column of X -> period in its unit, such as ``{"doy": 365.25}``.
        encoder: "kan", "additive", "linear" or "mlp".
        hidden: nodes of each hidden layer of a kan; "auto" starts with none and goes
            deeper only for a clear gain on validation.
        constraint: one for all latents, "auto", or latent -> constraint.
        train: settings of the training, a `TrainConfig` or a mapping of its keys.
        validation_fraction: share of the rows (of whole groups) to choose by.
        random_state: seed of the validation rows and of everything random.
        verbose: progress on stderr.
        options: every field of `symbolic.SymbolicOptions` is a keyword, such as
            ``families=["linear", "exp"]`` or ``bootstrap=0``; None is its default.
    Attributes:
        model_: the trained `ScIReN`.
        history_: the record of the training.
        constants_: constant -> value.
        discovery_: equations, verification and intervals (`Discovery`); made when it
            is asked for, as are the following.
        verdict_: what the equations are worth (`Verdict`); printed, its headline.
        equations_: one row a latent: equation, LaTeX, sympy expression, agreement.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.
    Raises:
        ValueError: X holds nan or infinities, or y infinities (nan in y is not
            observed); names that do not fit.

    ```python
    model = ScIReNRegressor(decoder="q10", forcings={"ta": "ta"}, random_state=0)
    model.fit(frame[["sw_pot", "dsw_pot", "ta"]], frame["reco"])
    model.latents(frame[["sw_pot", "dsw_pot", "ta"]])
    model.equations_, str(model.verdict_)
    ```
    """

    n_features_in_: int

    @_with_options
    def __init__(
        self,
        features: Sequence[Column] | None = None,
        decoder: "Decoder | str | None" = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        forcings: Mapping[str, Column] | None = None,
        targets: Sequence[str] | None = None,
        categorical: Sequence[Column] | None = None,
        periodic: Mapping[Column, float] | None = None,
        encoder: Literal["kan", "additive", "linear", "mlp"] = "kan",
        hidden: Literal["auto"] | Sequence[int] = "auto",
        constraint: Any = "auto",
        train: "TrainConfig | Mapping[str, Any] | None" = None,
        validation_fraction: float = 0.2,
        random_state: Any = None,
        verbose: bool = False,
        **options: Any,
    ) -> None:
        self.features = features
        self.decoder = decoder
        self.parameters = parameters
        self.forcings = forcings
        self.targets = targets
        self.categorical = categorical
        self.periodic = periodic
        self.encoder = encoder
        self.hidden = hidden
        self.constraint = constraint
        self.train = train
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose
        for name in SymbolicOptions.model_fields:
            setattr(self, name, options.pop(name, None))
        for name in options:
            near = closest_names(name, list(self.get_params(deep=False)))
            raise TypeError(f"ScIReNRegressor has no parameter {name!r}. {near}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    # -- fitting --------------------------------------------------------------------
    def fit(self, X: Any, y: Any, groups: "ArrayLike | None" = None) -> Self:
        """Train on rows X (n, columns) and targets y (n,) or (n, targets).

        Args:
            X: features and forcings in physical units, finite.
            y: observations, nan where there is none.
            groups: (n,) labels of rows that belong together (sites, weeks): whole
                groups are kept for validation, and errors count groups.
        """
        from discovery.config.build import build_model, enough_rows
        from sciren.training import LineProgress
        from sciren.training import fit as train_model
        from symbolic.expression.tree import check_name

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        X, self._kinds = with_kinds(X, self.categorical or (), self.periodic or {})
        values = _validate(self, X, dtype=np.float64, ensure_min_samples=4)
        targets = _targets(y, len(values))
        self._one_target = targets.ndim == 1
        targets = targets.reshape(len(values), -1)
        decoder = self._process_model(y, targets.shape[1])
        self._columns_of(decoder)
        for name in self._column_names():
            check_name(name)  # before a training whose equations could not be written
        table = self._table(values, targets, groups)
        self._train, self._valid = _held_out(table, self.validation_fraction, seed)
        inputs, outputs = len(self._feature_columns), len(decoder.latent_names)
        config = self._train_config(seed, enough_rows(self._train, inputs, outputs))
        encoder = self._encoder_settings()
        model = build_model(inputs, decoder, encoder, self.constraint, seed)
        progress = LineProgress() if self.verbose else None
        check_families(self._options())
        self.history_ = train_model(model, self._train, self._valid, config, progress)
        self.model_, self._seed, self._discovery = model, seed, None
        return self

    def _options(self) -> SymbolicOptions:
        names = SymbolicOptions.model_fields
        return options_of(None, {name: getattr(self, name) for name in names})

    def _process_model(self, y: Any, count: int) -> "Decoder":
        from discovery.config.process import load_decoder
        from sciren.decoders import IdentityDecoder, redeclare

        names = self._target_names(y, count)
        given = self.decoder
        decoder = load_decoder(given) if isinstance(given, str) else given
        if decoder is None:
            decoder = IdentityDecoder(names or [f"y{k + 1}" for k in range(count)])
            return redeclare(decoder, self.parameters)
        named = [name for name in decoder.targets if name in (names or ())]
        observed = named if len(named) == count else None
        decoder = redeclare(decoder, self.parameters, observed)
        if len(decoder.targets) != count:
            raise ConfigError(
                f"y has {count} columns, process model {decoder.name!r} returns "
                f"{len(decoder.targets)} ({', '.join(decoder.targets)})"
            )
        return decoder

    def _target_names(self, y: Any, count: int) -> list[str] | None:
        if self.targets is not None:
            names = [str(name) for name in self.targets]
            if len(names) != count:
                raise ConfigError(f"targets={names} for y with {count} columns")
            return names
        if hasattr(y, "columns"):
            return [str(name) for name in y.columns]
        return ["y"] if count == 1 else None

    def _train_config(self, seed: int, climb: bool) -> "TrainConfig":
        from sciren.training import TrainConfig

        given = self.train or {}
        if isinstance(given, TrainConfig):
            given = given.model_dump(exclude_unset=True)
        auto = self.encoder == "kan" and self.hidden == "auto"
        return TrainConfig(**{"seed": seed, "ladder": auto and climb, **given})

    def _encoder_settings(self) -> dict[str, Any]:
        hidden = {"hidden": self.hidden} if self.encoder == "kan" else {}
        return {"kind": self.encoder} | hidden

    # -- columns --------------------------------------------------------------------
    def _columns_of(self, decoder: "Decoder") -> None:
        """Find out which columns of X are features and which are forcings."""
        names = self._column_names()
        given = dict(self.forcings or {})
        unknown = [name for name in given if name not in decoder.forcings]
        if unknown:
            raise ConfigError(
                f"forcings={given}: process model {decoder.name!r} knows no "
                f"{unknown[0]!r}. {closest_names(unknown[0], decoder.forcings)}"
            )
        self._forcing_columns = {
            name: _position(given.get(name, name), names) for name in decoder.forcings
        }
        own = set(self._forcing_columns.values())
        self._feature_columns = (
            [k for k in range(len(names)) if k not in own]
            if self.features is None
            else [_position(name, names) for name in self.features]
        )
        if not self._feature_columns:
            raise ConfigError(
                "no column of X is left for the encoder; name features=[...] "
                "(a forcing may be a feature too)"
            )
        self._target_columns = decoder.targets

    def _column_names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return [f"x{k}" for k in range(self.n_features_in_)]
        return [str(name) for name in names]

    def _table(
        self, values: np.ndarray, targets: np.ndarray | None, groups: Any = None
    ) -> "Table":
        import torch

        from sciren.data import Table

        names = self._column_names()
        if targets is None:
            targets = np.empty((len(values), 0))
        blocks = np.arange(len(values))
        if groups is not None:
            check_consistent_length(values, groups)
            blocks = np.unique(np.asarray(groups), return_inverse=True)[1]
        return Table(
            features=torch.tensor(values[:, self._feature_columns]),
            forcings={
                name: torch.tensor(values[:, column])
                for name, column in self._forcing_columns.items()
            },
            targets=torch.tensor(targets),
            feature_names=tuple(names[k] for k in self._feature_columns),
            target_names=self._target_columns[: targets.shape[1]],
            forcing_columns={
                name: names[column] for name, column in self._forcing_columns.items()
            },
            target_columns={name: name for name in self._target_columns},
            blocks=torch.tensor(blocks),
            kinds={
                name: self._kinds[name]
                for name in (names[k] for k in self._feature_columns)
                if name in self._kinds
            },
        )

    # -- using ----------------------------------------------------------------------
    def _checked(self, X: Any, forcings: bool = True) -> "Table":
        check_is_fitted(self)
        finite = True if forcings else "allow-nan"
        X = with_kinds(X, (), {}, self._kinds)[0]
        values = _validate(
            self, X, dtype=np.float64, reset=False, ensure_all_finite=finite
        )
        if not forcings:
            _check(values[:, self._feature_columns], input_name="X")
        return self._table(values, None)

    def predict(
        self,
        X: Any,
        using: Literal["network", "equations"] = "network",
        interval: float | None = None,
    ) -> Any:
        """Return the targets, (n,) or (n, targets) as y was given.

        Args:
            X: as in `fit`, finite.
            using: the trained network, or its equations.
            interval: probability; returns a table instead, with the columns of
                `Discovery.predict`: limits of observations, means and latents, outside.
        Raises:
            ConfigError: ``using`` does not exist, or there are no equations.
        """
        from discovery.results.record import equations_of
        from discovery.results.scoring import equation_targets

        if using not in ("network", "equations"):
            raise ConfigError(
                f"using={using!r} does not exist; use 'network' or 'equations'"
            )
        table = self._checked(X)
        if interval is not None:
            return self.discovery_.predict(self._frame(X), using, interval=interval)
        if using == "network":
            result = self.model_.predict(table).targets.numpy()
        else:
            equations = equations_of(self.discovery_)
            result = equation_targets(equations, self.model_, table).numpy()
        return result[:, 0] if self._one_target else result

    def _frame(self, X: Any) -> "pd.DataFrame":
        """Return the columns of X under their names."""
        import pandas as pd

        values = np.asarray(with_kinds(X, (), {}, self._kinds)[0], dtype=float)
        index = getattr(X, "index", None)
        return pd.DataFrame(values, columns=self._column_names(), index=index)

    def latents(self, X: Any) -> "pd.DataFrame":
        """Return the latents, one column each; forcings in X may be nan."""
        import pandas as pd

        table = self._checked(X, forcings=False)
        values = self.model_.latents(table).numpy()
        index = getattr(X, "index", None)
        return pd.DataFrame(values, columns=list(self.model_.latent_names), index=index)

    @property
    def constants_(self) -> dict[str, float]:
        """Constants of the process model."""
        check_is_fitted(self)
        return self.model_.constants()

    # -- equations ------------------------------------------------------------------
    @property
    def verdict_(self) -> "Verdict":
        """What the equations are worth: headline, three answers, reasons."""
        return self.discovery_.verdict

    @property
    def discovery_(self) -> "Discovery":
        """Equations, verification and intervals of the trained model."""
        check_is_fitted(self)
        if self._discovery is None:
            from discovery.results.stages import discover

            self._discovery = discover(
                self.model_,
                self._train,
                self._valid,
                history=self.history_,
                options=self._options(),
                seed=self._seed,
            )
        return self._discovery

    @property
    def equations_(self) -> "pd.DataFrame":
        """One row a latent: equation, latex, expression, features, r2, verdict."""
        from discovery.results.frames import latents_table

        return latents_table(self.discovery_, self._train)

    def latex(self, digits: int | None = -1) -> dict[str, str]:
        """Return latent -> LaTeX of its equation; see `Discovery.latex`."""
        return self.discovery_.latex(digits)

    def sympy(self) -> dict[str, Any]:
        """Return latent -> sympy expression of the columns of X."""
        return self.discovery_.sympy()


def _targets(y: Any, rows: int) -> np.ndarray:
    """Return y, (n,) or (n, t), float64; nan is allowed, infinities are not."""
    if y is None:
        raise ConfigError("requires y to be passed, but the target y is None")
    values = _check(
        y,
        dtype=np.float64,
        ensure_2d=False,
        ensure_all_finite="allow-nan",
        input_name="y",
    )
    check_consistent_length(values, np.empty(rows))
    if values.ndim > 2:
        raise ConfigError(f"y has shape {values.shape}; give (n,) or (n, targets)")
    if np.isnan(values).all(axis=0).any():
        raise DataError("y has a column of nan only, so there is nothing to learn from")
    return values


def _position(column: Column, names: list[str]) -> int:
    if isinstance(column, str):
        if column not in names:
            raise ColumnError(
                f"X has no column {column!r}. {closest_names(column, names)}"
            )
        return names.index(column)
    if not -len(names) <= column < len(names):
        raise ColumnError(f"X has no column {column}, only {len(names)} columns")
    return int(column) % len(names)


def _held_out(table: "Table", share: float, seed: int) -> "tuple[Table, Table]":
    """Keep a share of the blocks, at least one, to choose by."""
    if not 0 < share < 1:
        raise ConfigError(f"validation_fraction={share}; use a share between 0 and 1")
    blocks = table.blocks.numpy()
    names = np.unique(blocks)
    if len(names) < 2:
        raise ConfigError("one group cannot be split; give at least two groups")
    count = min(max(1, round(share * len(names))), len(names) - 1)
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    held = np.isin(blocks, chosen)
    return table.take(~held), table.take(held)
