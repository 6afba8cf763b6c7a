"""Columns of intervals and of the flag ``outside`` for new rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.uncertainty.record import Uncertainty
from sciren.errors import ConfigError
from sciren.inference.conformal import spread
from sciren.inference.intervals.quantiles import t_quantile

if TYPE_CHECKING:
    from sciren.inference.intervals.means import MeanLaw
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

Array = np.ndarray
Columns = Mapping[str, Array]

OUTSIDE = "outside"
NEW_CLASS = "_new_class"  # half width of a mean for a class that no row had
AT_ONCE = 20_000  # rows whose covariances are held in memory together


def interval_columns(
    uncertainty: Uncertainty,
    respond: "Response",
    columns: Columns,
    predicted: Columns,
    level: float = 0.95,
    using: str = "equations",
    own: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Return the limits of every target and latent, and the flag of the rows.

    For a target ``reco``: reco_low, reco_high (a new observation), reco_mean_low,
    reco_mean_high (its mean); for a latent ``rb``: rb_low, rb_high; outside (0 or 1).
    The limits of a mean come from the recommended fit. An undecided feature that the
    prediction leaves out may act or not: limits then hold the mean of both. Where the
    prediction itself lies beyond them still, they are moved to hold it.

    Args:
        uncertainty: of the result.
        respond: raw latents and constants -> latents and means.
        columns: name -> (n,) features and forcings.
        predicted: name -> (n,) targets and latents of the same rows.
        level: probability that the truth is inside.
        using: what predicts, "equations" or "network".
        own: such as rb_low and reco_high -> (n,): limits of latents and of means that
            stand in place of the recommended fit's, which is a sum of curves.
    Raises:
        ConfigError: a level that is no probability.
    """
    if not 0.0 < level < 1.0:
        raise ConfigError(f"interval={level}; use a probability such as 0.9")
    count = len(next(iter(columns.values()), ()))
    bands = _observations(uncertainty, predicted, level, using)
    latents = [n for n in uncertainty.latents if n not in uncertainty.targets]
    means = [*(f"{target}_mean" for target in uncertainty.targets), *latents]
    wanted = [f"{name}{end}" for name in means for end in ("_low", "_high")]
    limited = {name: np.full(count, np.nan) for name in wanted}
    # Half widths by which a class that no row had may lie apart; zero for all others.
    apart = {f"{target}{NEW_CLASS}": np.zeros(count) for target in uncertainty.targets}
    _fill_in_chunks(limited | apart, uncertainty, respond, columns, level)
    bands |= limited
    for target in uncertainty.targets:
        half = apart[f"{target}{NEW_CLASS}"]
        bands |= _for_new_classes(bands, target, predicted[target], half)
    bands |= _given_limits(uncertainty, own, latents, level) if own else {}
    for name in means:
        # An interval without its own prediction would be taken for a fault.
        value = predicted[name.removesuffix("_mean")]
        # a prediction that is missing has no limits either
        bands[f"{name}_low"] = np.minimum(bands[f"{name}_low"], value)
        bands[f"{name}_high"] = np.maximum(bands[f"{name}_high"], value)
    outside = uncertainty.reach.outside(columns)
    bands[OUTSIDE] = (outside if len(outside) else np.zeros(count)).astype(np.int64)
    return bands


def _fill_in_chunks(
    arrays: Mapping[str, Array],
    uncertainty: Uncertainty,
    respond: "Response",
    columns: Columns,
    level: float,
) -> None:
    """Write limits of means and latents into arrays (n,) by name, some rows at a time."""
    count = len(next(iter(columns.values()), ()))
    for first in range(0, count, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        chunk = {name: values[part] for name, values in columns.items()}
        for name, values in limits(uncertainty, respond, chunk, level).items():
            # a latent that is a target has the limits of its mean, and no array here
            if name in arrays:
                arrays[name][part] = values


def _for_new_classes(
    bands: Mapping[str, Array], target: str, value: Array, half: Array
) -> dict[str, Array]:
    """Return limits of observations with what a new class may differ by, in quadrature."""
    changed = {}
    for end, sign in ((f"{target}_low", -1), (f"{target}_high", 1)):
        reach = value + sign * np.hypot(bands[end] - value, half)
        changed[end] = np.where(half > 0, reach, bands[end])
    return changed


def _given_limits(
    uncertainty: Uncertainty,
    own: Mapping[str, Array],
    latents: Sequence[str],
    level: float,
) -> dict[str, Array]:
    """Return limits that the caller brings, in place of those of the fit."""
    given: dict[str, Array] = {}
    for name in uncertainty.targets:
        ends = own[f"{name}_low"], own[f"{name}_high"]
        # what is missing in the process widens them all the same
        low, high = widened(uncertainty, name, *ends, level)
        given |= {f"{name}_mean_low": low, f"{name}_mean_high": high}
    for name in latents:
        given |= {f"{name}{end}": own[f"{name}{end}"] for end in ("_low", "_high")}
    return given


def _observations(
    uncertainty: Uncertainty, predicted: Columns, level: float, using: str
) -> dict[str, Array]:
    """Return limits of new observations by the law of what predicts."""
    laws = uncertainty.observations.get(using, uncertainty.observations["network"])
    bands = {}
    for name in uncertainty.targets:
        comparison = uncertainty.comparisons[name]
        # The law is that of errors on the scale of the comparison, where noise is even;
        # monotone, so limits come back as limits.
        low, high = laws[name].interval(comparison.transform(predicted[name]), level)
        bands[f"{name}_low"] = comparison.inverse(low)
        bands[f"{name}_high"] = comparison.inverse(high)
    return bands


def limits(
    uncertainty: Uncertainty, respond: "Response", columns: Columns, level: float
) -> dict[str, Array]:
    """Limits of latents and means of some rows, with and without what is undecided."""
    law = uncertainty.means
    bands = _limits_of(law, uncertainty, respond, columns, level)
    if law.left_out:
        without = law.without_left_out()
        others = _limits_of(without, uncertainty, respond, columns, level)
        for name, values in others.items():
            outer = np.minimum if name.endswith("_low") else np.maximum
            bands[name] = outer(bands[name], values)
    return bands


def _limits_of(
    law: "MeanLaw",
    uncertainty: Uncertainty,
    respond: "Response",
    columns: Columns,
    level: float,
) -> dict[str, Array]:
    count = len(next(iter(columns.values()), ()))
    rows = law.rows(columns, count, level)
    response = respond(uncertainty, columns)
    with np.errstate(all="ignore"):
        bounds = [
            response.latents(latent_limit) for latent_limit in rows.latent_limits(level)
        ]
        low, high = rows.mean_limits(response.means, level)
        # Classes are new in few tables: the process is not evaluated for all others.
        apart = np.zeros_like(low)
        if rows.apart.any():
            apart = rows.class_half_width(response.means, level)
    bands: dict[str, Array] = {}
    for k, name in enumerate(uncertainty.latents):
        # A constraint may fall with its raw latent; then the limits change places.
        ends = np.sort(np.stack([bound[:, k] for bound in bounds]), axis=0)
        bands |= {f"{name}_low": ends[0], f"{name}_high": ends[1]}
    for k, name in enumerate(uncertainty.targets):
        ends = widened(uncertainty, name, low[:, k], high[:, k], level)
        bands |= dict(zip((f"{name}_mean_low", f"{name}_mean_high"), ends, strict=True))
        bands[f"{name}{NEW_CLASS}"] = apart[:, k]
    return bands


def widened(
    uncertainty: Uncertainty, name: str, low: Array, high: Array, level: float
) -> tuple[Array, Array]:
    """Add what is missing in the equations to the interval of a mean, in quadrature.

    half width = sqrt(half width^2 + (z * lack of fit)^2), on the scale of the comparison,
    the lack of fit growing with the mean as the noise does.

    Args:
        name: of the target;  low, high: (n,) limits of its mean.
    """
    lack = uncertainty.lack_of_fit.get(name, 0.0)
    if lack <= 0:
        return low, high
    comparison, law = uncertainty.comparisons[name], uncertainty.observations["network"]
    ends = comparison.transform(low), comparison.transform(high)
    middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
    # Lack of fit is stored in units of the noise, which grows with the mean.
    size = lack * spread(middle, law[name].growth, law[name].floor)
    half_width = np.hypot(half, t_quantile(level, np.inf) * size)
    return comparison.inverse(middle - half_width), comparison.inverse(
        middle + half_width
    )


class RowResponse:
    """Latents and means of some rows for given raw latents and constants.

    Args:
        latents: raw (n, L) -> physical (n, L).
        means: raw (n, L), constants (K,) on the training scale -> (n, t).
    """

    def __init__(
        self,
        latents: Callable[[Array], Array],
        means: Callable[[Array, Array], Array],
    ) -> None:
        self.latents, self.means = latents, means


Response = Callable[[Uncertainty, Columns], RowResponse]


def by_equations(equations: "SymbolicModel") -> Response:
    """Answer by the constraints and the process of equations, without torch."""
    import sympy

    from symbolic.expression.evaluate import compile_numpy
    from symbolic.terms.rebuild import constrained, feature_symbols

    # Compiled once for all rows; `respond` below only fills in columns.
    raw_symbol = sympy.Symbol("raw", real=True)
    bounded = [
        compile_numpy(
            constrained(raw_symbol, *equations.constraints[name]), [raw_symbol]
        )
        for name in equations.latent_names
    ]
    forcings = list(equations.forcing_columns.values())
    names = [*equations.latent_names, *equations.constants, *forcings]
    process = [
        compile_numpy(expression, feature_symbols(names))
        for expression in (equations.process or {}).values()
    ]

    def latents(raw: Array) -> Array:
        values = [
            np.broadcast_to(function(raw[:, k]), (len(raw),))
            for k, function in enumerate(bounded)
        ]
        return np.stack(values, axis=1)

    def respond(uncertainty: Uncertainty, columns: Columns) -> RowResponse:
        given = [np.asarray(columns[name], dtype=float) for name in forcings]

        def means(raw: Array, constants: Array) -> Array:
            physical = uncertainty.physical(constants)
            inside: list[Any] = [*latents(raw).T]
            inside += [np.full(len(raw), value) for value in physical]
            values = [
                np.broadcast_to(function(*inside, *given), (len(raw),))
                for function in process
            ]
            return np.stack(values, axis=1)

        return RowResponse(latents, means)

    return respond


def by_network(model: "ScIReN", forcings: Mapping[str, str]) -> Response:
    """Answer by the constraints and the decoder of a network.

    Args:
        model: trained.
        forcings: decoder's name -> column.
    """
    import torch

    def latents(raw: Array) -> Array:
        with torch.no_grad():
            return model.constrain(torch.tensor(raw)).numpy()

    def respond(uncertainty: Uncertainty, columns: Columns) -> RowResponse:
        given = {
            name: torch.tensor(np.asarray(columns[forcing], dtype=float))
            for name, forcing in forcings.items()
        }

        def means(raw: Array, constants: Array) -> Array:
            physical = torch.tensor(uncertainty.physical(constants))
            with torch.no_grad():
                inside = model.constrain(torch.tensor(raw))
                return model.decoder.evaluate(inside, physical, given).numpy()

        return RowResponse(latents, means)

    return respond
