"""ScIReNRegressor: the whole way behind scikit-learn's fit and predict."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,
)

from discovery.regressor.inputs import (
    Column,
    checked_targets,
    checked_weights,
    given_forcings,
    held_out,
)
from discovery.regressor.results import Results
from discovery.regressor.rows import Rows, whole_rows
from discovery.tables.columns import with_kinds
from discovery.tables.reach import check_reach
from sciren.errors import ConfigError, closest_names
from symbolic.options import SymbolicOptions, check_families

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.model import ScIReN
    from sciren.training import TrainConfig

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


class ScIReNRegressor(Rows, Results, RegressorMixin, BaseEstimator):
    """Regression through a process model whose hidden parameters become equations.

        y = process_model(constraint(encoder(features)), constants, forcings)

    Without a process model it is plain regression by curves, y = encoder(X).

    Args:
        features: columns of X for the encoder, names or positions; default: all that
            are no forcings (all, where the process model needs none).
        decoder: process model, the name of a built-in one, or None.
        parameters: parameter of the process model -> what is declared anew, such as
            ``{"q10": 2}`` to fix it (see `sciren.decoders.redeclare`).
        forcings: the process model's name -> column of X; default: equal names. They
            may also be given beside X, see `fit`.
        targets: names of the columns of y; default: those of the process model, of
            a DataFrame, or y.
        categorical: columns of X that are classes, names or positions; truth values,
            pandas categories and text that is mostly no numbers and no dates always are.
        periodic: column of X -> period in its unit, such as ``{"doy": 365.25}``.
        encoder: "kan", "additive", "linear" or "mlp".
        hidden: nodes of each hidden layer of a kan; "auto" starts with none and goes
            deeper only for a clear gain on validation.
        constraint: one for all latents, "auto", or latent -> constraint.
        train: settings of the training, a `TrainConfig` or a mapping of its keys.
        validation_fraction: share of the rows (of whole groups) to choose by.
        missing: "error" refuses nan in X; "drop" leaves such rows out of the training,
            and predicts nan for them.
        warm_start: whether `fit` goes on from the curves and constants of the last one;
            edges that it dropped stay dropped.
        split_seed: of the draw of validation rows.
        random_state: seed of initial weights and resamples, but neither of the validation
            rows nor of the starts of hidden layers (``train={"seed": 1}``), which decide
            what is found. None is 0 and not a new draw.
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
        split_seed: int = 0,
        missing: Literal["error", "drop"] = "error",
        warm_start: bool = False,
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
        self.split_seed = split_seed
        self.missing = missing
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        # scikit-learn asks that a constructor only stores what it is given: `clone`
        # compares. None stands for the default of an option.
        for name in SymbolicOptions.model_fields:
            setattr(self, name, options.pop(name, None))
        for name in options:
            near = closest_names(name, list(self.get_params(deep=False)))
            raise TypeError(f"ScIReNRegressor has no parameter {name!r}. {near}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = self.missing == "drop"
        return tags

    # -- fitting --------------------------------------------------------------------
    def fit(
        self,
        X: Any,
        y: Any,
        groups: "ArrayLike | None" = None,
        sample_weight: "ArrayLike | None" = None,
        forcings: Any = None,
    ) -> Self:
        """Train on rows X (n, columns) and targets y (n,) or (n, targets).

        Args:
            X: features and forcings in physical units, finite.
            y: observations, nan where there is none.
            groups: (n,) labels of rows that belong together (sites, weeks): whole
                groups are kept for validation, and errors count groups.
            sample_weight: (n,) weights of the rows, precisions and not counts: twice the
                weight is half the variance of the noise, while two equal rows are two
                measurements; a row of weight zero is not there.
            forcings: what the process model reads, where it does not stand in X: name ->
                values or a table, or the values (n,) of its one forcing.
        """
        from symbolic.expression.tree import check_name

        # One number is drawn from whatever was given (seed, RandomState) and serves for
        # starts, batches and resamples.
        given = 0 if self.random_state is None else self.random_state
        seed = int(check_random_state(given).randint(2**31 - 1))
        X, self._kinds = with_kinds(X, self.categorical or (), self.periodic or {})
        values = self._values(X, reset=True)
        targets = checked_targets(y, len(values))
        # predict returns what y was: (n,) or (n, 1) are told apart here.
        self._one_target = targets.ndim == 1
        targets = targets.reshape(len(values), -1)
        # 1. X and y as numbers. 2. Process model and roles of columns. 3. Rows that
        # count. 4. Blocks for validation. 5. Training.
        decoder = self._process_model(y, targets.shape[1])
        given = given_forcings(forcings, decoder, len(values))
        self._columns_of(decoder, set(given))
        for name in self._column_names():
            check_name(name)  # before a training whose equations could not be written
        check_families(self._options())
        weights = checked_weights(sample_weight, len(values))
        table = self._table(values, given, targets, groups, weights)
        table = table.take(self._usable(table, weights))
        check_reach(decoder, table, configured=False)
        share = self.validation_fraction
        self._train, self._valid = held_out(table, share, self.split_seed)
        self._seed = seed
        return self._trained(decoder)

    def _trained(self, decoder: "Decoder") -> Self:
        """Train on the rows that are there."""
        from discovery.config.build import enough_rows
        from discovery.runs.training import Training
        from sciren.training import LineProgress
        from sciren.training import fit as train_model

        inputs, outputs = len(self._feature_columns), len(decoder.latent_names)
        enough = enough_rows(self._train, inputs, outputs)
        config = self._train_config(enough)
        model = self._start(decoder)
        progress = LineProgress() if self.verbose else None
        self.history_ = train_model(model, self._train, self._valid, config, progress)
        self._training = Training.of(model, self.history_)
        self.model_, self._discovery = model, None
        return self

    def _start(self, decoder: "Decoder") -> "ScIReN":
        """Return the untrained model, or with ``warm_start`` a copy of the last one."""
        from discovery.config.build import build_model

        inputs = len(self._feature_columns)
        fresh = build_model(
            inputs, decoder, self._encoder_settings(), self.constraint, self._seed
        )
        last = getattr(self, "model_", None)
        if not self.warm_start or last is None:
            return fresh
        # Curves of other inputs, latents or kinds of encoder are no start for these.
        alike = (
            last.encoder.n_inputs == inputs
            and last.latent_names == fresh.latent_names
            and type(last.encoder) is type(fresh.encoder)
        )
        return copy.deepcopy(last) if alike else fresh

    def _process_model(self, y: Any, count: int) -> "Decoder":
        from discovery.config.process import load_decoder
        from sciren.decoders import IdentityDecoder, redeclare

        names = self._target_names(y, count)
        given = self.decoder
        decoder = load_decoder(given) if isinstance(given, str) else given
        if decoder is None:
            decoder = IdentityDecoder(names or [f"y{k + 1}" for k in range(count)])
            return redeclare(decoder, self.parameters)
        # Columns of y with names of the process model's targets: only those are
        # compared. Without such names y has all of them, in the order of the process
        # model.
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

    def _train_config(self, climb: bool) -> "TrainConfig":
        from sciren.training import TrainConfig

        given = self.train or {}
        if isinstance(given, TrainConfig):
            # Only what was set: defaults of a TrainConfig would override the ladder.
            given = given.model_dump(exclude_unset=True)
        auto = self.encoder == "kan" and self.hidden == "auto"
        return TrainConfig(**{"ladder": auto and climb, **given})

    def _encoder_settings(self) -> dict[str, Any]:
        hidden = {"hidden": self.hidden} if self.encoder == "kan" else {}
        return {"kind": self.encoder} | hidden

    # -- using ----------------------------------------------------------------------
    def predict(
        self,
        X: Any,
        using: Literal["network", "equations"] = "network",
        interval: float | None = None,
        forcings: Any = None,
    ) -> Any:
        """Return the targets, (n,) or (n, targets) as y was given.

        Rows beyond those of the training are told in a `DataWarning`.

        Args:
            X: as in `fit`, finite; with ``missing="drop"`` rows with gaps give nan.
            using: the trained network, or its equations.
            interval: probability; returns a table instead, with the columns of
                `Discovery.predict`: limits of observations, means and latents, outside.
            forcings: as in `fit`, where they were given beside X.
        Raises:
            ConfigError: ``using`` does not exist, or there are no equations.
        """
        if using not in ("network", "equations"):
            raise ConfigError(
                f"using={using!r} does not exist; use 'network' or 'equations'"
            )
        table = self._checked(X, forcings)
        if interval is not None:
            frame = self._frame(X, table)
            return self.discovery_.predict(frame, using, interval=interval)
        self._warn_outside(X, table)
        return self._predicted(table, using)

    def _predicted(
        self, table: "Table", using: Literal["network", "equations"] = "network"
    ) -> np.ndarray:
        """Return the targets of rows, nan where a row has gaps."""
        from discovery.results.record import equations_of
        from discovery.results.scoring import equation_targets

        complete = whole_rows(table)
        rows = table.take(complete)
        if using == "network":
            values = self.model_.predict(rows).targets.numpy()
        else:
            equations = equations_of(self.discovery_)
            values = equation_targets(equations, self.model_, rows).numpy()
        # Rows with gaps keep their place and are nan.
        result = np.full((len(table), values.shape[1]), np.nan)
        result[complete] = values
        return result[:, 0] if self._one_target else result

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, forcings: Any = None
    ) -> float:
        """Return R2 of the predictions of the network.

        Rows without an observation, or with gaps where ``missing="drop"``, do not count.
        """
        from sklearn.metrics import r2_score

        predicted = self._predicted(self._checked(X, forcings))
        observed = checked_targets(y, len(predicted))
        # Several targets: a row counts only if all of them are observed, as r2_score
        # needs.
        gaps = np.isnan(observed) | np.isnan(predicted.reshape(observed.shape))
        usable = ~gaps.reshape(len(gaps), -1).any(axis=1)
        weights = checked_weights(sample_weight, len(predicted))
        return float(
            r2_score(
                observed[usable],
                predicted[usable],
                sample_weight=None if weights is None else weights[usable],
            )
        )

    def latents(self, X: Any) -> "pd.DataFrame":
        """Return the latents, one column each; forcings in X may be nan."""
        import pandas as pd

        table = self._checked(X, None, needed=False)
        complete = np.asarray(np.isfinite(table.features.numpy()).all(axis=1))
        names = list(self.model_.latent_names)
        values = np.full((len(table), len(names)), np.nan)
        values[complete] = self.model_.latents(table.take(complete)).numpy()
        return pd.DataFrame(values, columns=names, index=getattr(X, "index", None))

    @property
    def constants_(self) -> dict[str, float]:
        """Constants of the process model."""
        check_is_fitted(self)
        return self.model_.constants()
