"""How far predictions move with the constants of the equations, row by row."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from discovery.results.joint_draws import DRAWS

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.uncertainty import Draws
    from symbolic.model.symbolic_model import SymbolicModel

Array = NDArray[np.float64]

ENDINGS = ("_low", "_high")
AT_ONCE = 2_000_000  # numbers of one chunk: rows times resamples
FEWEST = 20  # resamples below which no quantile is worth writing


def replicates_table(draws: "Draws | None") -> "pd.DataFrame":
    """Return one row a resample and one column a constant; empty without resamples.

    Process constants come under their names, others as ``latent::name``.
    """
    import pandas as pd

    if draws is None:
        return pd.DataFrame()
    inside = {f"{latent}::{name}": v for (latent, name), v in draws.encoder.items()}
    return pd.DataFrame(dict(draws.process) | inside)


def replicate_columns(
    equations: "SymbolicModel",
    replicates: "pd.DataFrame",
    columns: Mapping[str, Array],
    level: float = 0.95,
) -> dict[str, Array]:
    """Return intervals of every latent and target, such as ``rb_low``, ``rb_high``.

    They are quantiles over the resampled constants, 2.5 and 97.5 % by default: of the value that
    the equations give, not of a single observation, whose noise is on top. Splines of
    refused edges are held fixed.

    Args:
        equations: with as many constants as the replicates.
        replicates: of `replicates_table`.
        columns: name -> (n,) features and forcings.
        level: probability between the quantiles.
    Returns:
        name -> (n,), targets first; empty where resamples are missing or too few.
    """
    if len(replicates) < FEWEST:
        return {}
    rows, tail = len(next(iter(columns.values()), ())), (1.0 - level) / 2
    evaluate = _Evaluate(equations, replicates)
    intervals = {
        f"{name}{ending}": np.full(rows, np.nan)
        for name in evaluate.names
        for ending in ENDINGS
    }
    size = max(1, AT_ONCE // len(replicates))
    for first in range(0, rows, size):
        part = slice(first, first + size)
        # Columns (rows, 1) against constants (R,) give (rows, R) by broadcasting.
        chunk = {name: values[part, None] for name, values in columns.items()}
        for name, values in evaluate(chunk).items():
            # A row with a missing feature is nan for every resample, and so are its
            # limits.
            with np.errstate(invalid="ignore"):
                limits = np.quantile(values, [tail, 1.0 - tail], axis=1)
            for ending, limit in zip(ENDINGS, limits, strict=True):
                intervals[f"{name}{ending}"][part] = limit
    return intervals


class _Evaluate:
    """Latents and targets (n, R) of columns (n, 1), one for each resample."""

    def __init__(self, equations: "SymbolicModel", replicates: "pd.DataFrame") -> None:
        from symbolic.expression.evaluate import compile_numpy
        from symbolic.terms.parametric import parametric
        from symbolic.terms.rebuild import feature_symbols

        self.count = len(replicates)
        self.features = equations.used_features()
        self.forcings = list(equations.forcing_columns.values())
        latents = [
            parametric(
                structure, equations.units, equations.constraints[structure.name]
            )
            for structure in equations.structures
        ]
        # The order of the arguments of the compiled functions: features, then constants
        # of all latents in this order.
        inside = [str(symbol) for latent in latents for symbol in latent.constants]
        # Effects of classes are in no resample (they are drawn to their mean); theirs
        # come from their normal law.
        others = drawn_constants(equations, self.count)
        self.constants = [
            (replicates if name in replicates else others)[name].to_numpy()
            for name in inside
        ]
        self.process = [replicates[name].to_numpy() for name in equations.constants]
        symbols = [*feature_symbols(self.features), *_symbols(latents)]
        # Refused edges are called as splines by their name.
        calls = {name: curve.value for name, curve in equations.functions.items()}
        self.latents = {
            latent.name: compile_numpy(latent.expression, symbols, calls)
            for latent in latents
        }
        names = [*self.latents, *equations.constants, *self.forcings]
        self.targets = {
            name: compile_numpy(expression, feature_symbols(names))
            for name, expression in (equations.process or {}).items()
        }
        self.names = list(dict.fromkeys([*self.targets, *self.latents]))

    def __call__(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        shape = (len(next(iter(columns.values()))), self.count)
        features = [columns[name] for name in self.features]
        latents = {
            name: np.broadcast_to(function(*features, *self.constants), shape)
            for name, function in self.latents.items()
        }
        given = [*latents.values(), *self.process]
        given += [columns[name] for name in self.forcings]
        targets = {
            name: np.broadcast_to(function(*given), shape)
            for name, function in self.targets.items()
        }
        return targets | {n: v for n, v in latents.items() if n not in targets}


def drawn_constants(equations: "SymbolicModel", count: int = DRAWS) -> "pd.DataFrame":
    """Draw every constant from its own normal law, where there are no resamples.

    What classes with few rows are drawn to their mean is in their errors and never in the
    resamples, which leave such constants out.

    Returns:
        Columns as of `replicates_table`.
    """
    import pandas as pd

    # Always the same draws: the same equations give the same limits.
    rng = np.random.default_rng(0)
    errors, table = equations.errors, equations.table
    # One by one: correlations among constants are not counted.
    laws = {n: (v, errors.get(n, 0.0)) for n, v in equations.constants.items()}
    inside = zip(table["latent"], table["name"], strict=True)
    names = [f"{latent}::{name}" for latent, name in inside]
    laws |= dict(
        zip(names, zip(table["value"], table["error"], strict=True), strict=True)
    )
    return pd.DataFrame(
        {
            name: value + np.nan_to_num(error) * rng.standard_normal(count)
            for name, (value, error) in laws.items()
        }
    )


def _symbols(latents: Sequence[Any]) -> list[Any]:
    return [symbol for latent in latents for symbol in latent.constants]
