"""A process between the latent and what is observed: values, slopes, inversion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciren.errors import ConfigError, DataError

Array = np.ndarray
Function = Callable[[Array, Mapping[str, Any], Mapping[str, float]], Any]

DIFFERENCE = 1e-5
"""Step of central differences, in sizes of the argument."""

WIDEST = 20.0
"""Factor around its start in which an open constant is sought."""

DOUBLINGS = 40  # of a bracket around a root, to 1e12 times its width
HALVINGS = 60  # of the bracket, beyond the 52 bits of a double


@dataclass(frozen=True)
class Range:
    """Where an unknown constant may lie and where its search starts."""

    low: float
    start: float
    high: float

    @property
    def in_logs(self) -> bool:
        """Whether it is varied by factors rather than by differences."""
        return self.low > 0


@dataclass(frozen=True)
class Process:
    """A vectorised process of one latent.

    Args:
        function: (latent (n,), forcings, constants) -> observed (n,).
        forcings: name -> (n, ...) physical values.
        ranges: name -> range of an unknown constant.
        low, high: bounds of the latent; beyond them values are continued linearly.
        latent: name of the latent.
        target: name of what is observed.
        small: distance to a lower bound of zero at which the continuation begins.
    """

    function: Function
    forcings: Mapping[str, Any]
    ranges: Mapping[str, Range] = field(default_factory=dict)
    low: float = -np.inf
    high: float = np.inf
    latent: str = "latent"
    target: str = "observed"
    small: float = 1e-9

    def at_home(self, observed: Array) -> "Process":
        """Return the process that is continued on its tangent near a bound of zero.

        The distance is a twentieth of the typical latent, found by inversion.
        """
        starts = {name: parameter.start for name, parameter in self.ranges.items()}
        away = np.abs(self.invert(observed, starts) - self.low)
        typical = float(np.median(away)) if np.isfinite(self.low) else 0.0
        return replace(self, small=max(0.05 * typical, 1e-9))

    @property
    def inside(self) -> tuple[float, float]:
        """Range in which the process itself is evaluated."""
        span = self.high - self.low
        # Below the bound, where a process of a positive latent still
        # has values, a search may pass through; at a bound of zero it
        # stops just before, where logarithms and ratios end.
        low = 0.3 * self.low if self.low > 0 else self.low + self.small
        high = self.high + 0.2 * span if self.low > 0 else self.high
        return float(low), float(high)

    def evaluate(
        self,
        latent: Array,
        constants: Mapping[str, float],
        forcings: Mapping[str, Any] | None = None,
    ) -> Array:
        """Observed values (n,) of a latent (n,), on the tangent beyond its bounds.

        Args:
            forcings: of other rows; None for those of the process.
        """
        used = self.forcings if forcings is None else forcings
        held = np.clip(latent, *self.inside)
        value = self._call(held, constants, used)
        beyond = latent - held
        if not beyond.any():
            return value
        return value + self._slope(held, constants, used) * beyond

    def slope(self, latent: Array, constants: Mapping[str, float]) -> Array:
        """Derivative by the latent (n,)."""
        return self._slope(np.clip(latent, *self.inside), constants, self.forcings)

    def by_constant(
        self, name: str, latent: Array, constants: Mapping[str, float]
    ) -> Array:
        """Derivative by a constant, or by its logarithm where it is positive (n,)."""
        # a difference in the logarithm is one in per cent: any unit will do
        size = 1.0 if self.ranges[name].in_logs else max(abs(constants[name]), 1e-3)
        step = DIFFERENCE * size
        ends = [
            self.evaluate(
                latent, {**constants, **self.moved(constants, {name: side * step})}
            )
            for side in (1.0, -1.0)
        ]
        return (ends[0] - ends[1]) / (2 * step)

    def moved(
        self, constants: Mapping[str, float], steps: Mapping[str, float]
    ) -> dict[str, float]:
        """Move constants by steps, of their logarithms where they are positive."""
        moved = dict(constants)
        for name, step in steps.items():
            span = self.ranges[name]
            value = constants[name]
            value = value * float(np.exp(step)) if span.in_logs else value + step
            moved[name] = float(np.clip(value, span.low, span.high))
        return moved

    def invert(self, observed: Array, constants: Mapping[str, float]) -> Array:
        """Latent of every row by bisection; rows out of reach stay at an end (n,)."""
        low, high = self._bracket(observed, constants)
        # row by row: a process may rise with the latent in one row and fall in another
        rising = self.evaluate(high, constants) >= self.evaluate(low, constants)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            # a value that is too high lies above the root
            # where the process rises, below it where it falls
            above = (self.evaluate(middle, constants) > observed) == rising
            high = np.where(above, middle, high)
            low = np.where(above, low, middle)
        return 0.5 * (low + high)

    def _bracket(
        self, observed: Array, constants: Mapping[str, float]
    ) -> tuple[Array, Array]:
        """Bounds between which the latent is sought; open ends are doubled."""
        low, high = self.inside
        n = len(observed)
        # a finite end where there is one, else one unit on either side of zero
        start = low if np.isfinite(low) else (high - 1.0 if np.isfinite(high) else -1.0)
        end = high if np.isfinite(high) else (low + 1.0 if np.isfinite(low) else 1.0)
        a, b = np.full(n, start), np.full(n, end)
        for _ in range(DOUBLINGS):
            ends = self.evaluate(a, constants), self.evaluate(b, constants)
            missed = (observed < np.minimum(*ends)) | (observed > np.maximum(*ends))
            # between two finite ends nothing can be widened: rows out of reach stay at an end
            if not missed.any() or (np.isfinite(low) and np.isfinite(high)):
                break
            width = b - a
            if not np.isfinite(high):
                b = np.where(missed, b + width, b)
            if not np.isfinite(low):
                a = np.where(missed, a - width, a)
        return a, b

    def _call(
        self, latent: Array, constants: Mapping[str, float], forcings: Mapping[str, Any]
    ) -> Array:
        value = self.function(latent, forcings, constants)
        return np.broadcast_to(np.asarray(value, dtype=float), latent.shape)

    def _slope(
        self, latent: Array, constants: Mapping[str, float], forcings: Mapping[str, Any]
    ) -> Array:
        # of its own size, but 1e-8 at least near zero
        step = DIFFERENCE * np.maximum(np.abs(latent), 1e-3)
        up = self._call(latent + step, constants, forcings)
        return (up - self._call(latent - step, constants, forcings)) / (2 * step)


def checked_process(
    process: Any,
    forcings: Mapping[str, Any] | None,
    constants: Mapping[str, Any] | None,
    bounds: tuple[float, float] | None,
    rows: int,
) -> Process:
    """Accept a plain function, or a process model of one latent and one target.

    Args:
        process: function (latent, forcings, constants) -> observed, or an object with
            `latent_names`, `parameters`, `forcings` and `targets` called as (p, f).
        constants: name -> start, (low, high) or (low, start, high).
        bounds: of the latent; taken from a process model where None.
    Raises:
        ConfigError: the model has several latents or targets, or a constant no range.
        DataError: a forcing is missing or has another number of rows.
    """
    given = {name: np.asarray(value) for name, value in (forcings or {}).items()}
    ranges = {name: _range(name, spec) for name, spec in (constants or {}).items()}
    low, high = bounds or (-np.inf, np.inf)
    function, latent, target = process, "latent", "observed"
    if hasattr(process, "latent_names"):
        function, latent, declared, own = _from_model(process)
        target = str(process.targets[0])
        ranges = {**declared, **ranges}
        low, high = bounds or own
        missing = [name for name in process.forcings if name not in given]
        if missing:
            raise DataError(
                f"process {process.name!r} needs forcing {missing[0]!r}; pass it in "
                "forcings={name: values}"
            )
    for name, value in given.items():
        if value.ndim and len(value) != rows:
            raise DataError(
                f"forcing {name!r} has {len(value)} rows, the target has {rows}"
            )
        if not np.isfinite(value).all():
            raise DataError(f"forcing {name!r} has missing values; drop these rows")
    return Process(function, given, ranges, float(low), float(high), latent, target)


def _from_model(
    model: Any,
) -> tuple[Function, str, dict[str, Range], tuple[float, float]]:
    if len(model.latent_names) != 1 or len(model.targets) != 1:
        raise ConfigError(
            f"process {model.name!r} has latents {model.latent_names} and targets "
            f"{model.targets}; a formula is composed for one latent seen in one target"
        )
    name, target = model.latent_names[0], model.targets[0]

    def function(
        latent: Array, forcings: Mapping[str, Any], constants: Mapping[str, float]
    ) -> Any:
        parameters = SimpleNamespace(**{name: latent}, **constants)
        outputs = model(parameters, SimpleNamespace(**forcings))
        return outputs[target] if hasattr(outputs, "keys") else outputs

    ranges = {}
    for constant in model.parameters.constants:
        start = (
            constant.start
            if constant.start is not None
            else _middle(constant.low, constant.high)
        )
        ranges[constant.name] = _range(
            constant.name, (constant.low, start, constant.high)
        )
    own = next(latent for latent in model.parameters.latents)
    return function, name, ranges, (own.low, own.high)


def _middle(low: float, high: float) -> float:
    """A value inside bounds that may be open."""
    if np.isfinite(low) and np.isfinite(high):
        return 0.5 * (low + high)
    return low + 1.0 if np.isfinite(low) else (high - 1.0 if np.isfinite(high) else 1.0)


def _range(name: str, spec: Any) -> Range:
    """Read start, (low, high) or (low, start, high).

    Raises:
        ConfigError: no finite range can be made of it.
    """
    numbers = [float(number) for number in np.atleast_1d(np.asarray(spec, dtype=float))]
    match numbers:
        case [start]:
            size = abs(start) or 1.0
            # A positive start says that the constant is varied by factors.
            low = start / WIDEST if start > 0 else start - WIDEST * size
            high = WIDEST * start if start > 0 else start + WIDEST * size
            span = Range(low, start, high)
        case [low, high]:
            # the middle of a range of factors is geometric
            middle = np.sqrt(low * high) if low > 0 else 0.5 * (low + high)
            span = Range(low, float(middle), high)
        case [low, start, high]:
            size = abs(start) or 1.0
            # zero has no logarithm; a positive start says that factors are meant
            if low == 0 and start > 0:
                low = start / WIDEST
            if not np.isfinite(high):
                high = WIDEST * start if low > 0 else start + WIDEST * size
            low = low if np.isfinite(low) else start - WIDEST * size
            span = Range(low, start, high)
        case _:
            span = Range(np.nan, np.nan, np.nan)
    if not (span.low <= span.start <= span.high and np.isfinite(span.start)):
        raise ConfigError(
            f"constant {name!r} needs a start, (low, high) or (low, start, high) in "
            f"this order, not {spec!r}"
        )
    return span
