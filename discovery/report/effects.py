"""What a feature does to a latent in one sentence, read off the equation itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from visualize.labels import digits_within, number, pretty_unit, unit_behind

if TYPE_CHECKING:
    from symbolic.model.symbolic_model import SymbolicModel

POINTS = 201  # of a response: enough to see a kink
STRAIGHT = 0.02  # departure from a line, as a share of the change, that nobody sees
ALIKE = 0.2  # difference of two effects, as a share of the larger, that is passed over
NOTHING = 1e-9  # change of a latent, as a share of its size, that is none
HARDLY = 1e-3  # share of its size below which no measurement sees the change
WIDE = 50  # range of a feature from which one unit is too small a step to be told
EARLY = 0.75  # share of a change within half of the range that is worth a word
LONGEST_UNIT = 14  # characters of a unit that can stand inside a sentence

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Response:
    """A latent along one feature, the others at their medians.

    Attributes:
        latent, feature: names;  x, y: (m,) raw units;  unit, x_unit: free text.
        classes: names at x, where the feature has classes.
    """

    latent: str
    feature: str
    x: Array
    y: Array
    unit: str = ""
    x_unit: str = ""
    classes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return what the feature does, in plain words without a full stop."""
        change = float(self.y[-1] - self.y[0])
        span = float(np.ptp(self.y))
        # From nothing to much: no change, hardly any, classes, a line, monotone,
        # turning. The first that fits is said.
        size = max(float(np.max(np.abs(self.y))), 1e-300)
        if span <= NOTHING * size:
            return f"{self.latent} does not change with {self.feature}"
        if span <= HARDLY * size:
            return f"{self.latent} hardly changes with {self.feature}, by {self._span(span)}"
        if self.classes:
            return self._by_class()
        # The chord from end to end: a response within 2 % of the change from it is a
        # line to the eye.
        line = np.interp(self.x, self.x[[0, -1]], self.y[[0, -1]])
        if np.max(np.abs(self.y - line)) <= STRAIGHT * span:
            return self._straight(change)
        steps = np.diff(self.y)
        # How far it goes against its main direction, in all.
        back = min(steps[steps > 0].sum(), -steps[steps < 0].sum())
        if back <= STRAIGHT * span:
            return self._bent(change)
        return self._turning()

    def _by_class(self) -> str:
        top, bottom = int(np.argmax(self.y)), int(np.argmin(self.y))
        return (
            f"{self.latent} is highest where {self.feature} is {self.classes[top]} "
            f"({self._level(top)}) and lowest where it is "
            f"{self.classes[bottom]} ({self._level(bottom)}{unit_behind(self.unit)})"
        )

    def _straight(self, change: float) -> str:
        width = float(self.x[-1] - self.x[0])
        # A step that a reader can imagine: one unit, or a power of ten of which at
        # least five fit into the range.
        step = 1.0 if 1 <= width < WIDE else 10.0 ** math.floor(math.log10(width / 5))
        verb = "rises" if change > 0 else "falls"
        return (
            f"{self.latent} {verb} by {_valued(abs(change) / width * step, self.unit)} "
            f"for each {self._step(step)}"
        )

    def _step(self, size: float) -> str:
        """One step of the feature: its unit where that can be said."""
        unit = pretty_unit(self.x_unit)
        many = "" if size == 1 else f"{number(size)} "
        units = f"{many}{'unit' if size == 1 else 'units'} of {self.feature}"
        if not unit or unit == "1":
            return units if size >= 1 else f"{many}of {self.feature}"
        # "10 1000 kg" would be read as one number.
        if unit[0].isdigit() or len(unit) > LONGEST_UNIT:
            return f"{units} ({unit})"
        return f"{many}{unit} of {self.feature}"

    def _level(self, place: int) -> str:
        """A value with as many digits as its change in the range of the data needs."""
        digits = digits_within(float(self.y.min()), float(self.y.max()))
        return number(float(self.y[place]), digits)

    def _at(self, value: float) -> str:
        """A value of the feature with as many digits as its range needs."""
        return number(value, digits_within(float(self.x[0]), float(self.x[-1])))

    def _span(self, span: float) -> str:
        return f"{_valued(span, self.unit)} in the range of the data"

    def _bent(self, change: float) -> str:
        verb = "rises" if change > 0 else "falls"
        # Share of the whole change that happens below the middle of the range.
        first = abs(float(np.interp(self._middle, self.x, self.y) - self.y[0]))
        share = first / abs(change)
        where = ", mostly in the lower half" if share >= EARLY else ""
        where = ", mostly in the upper half" if share <= 1 - EARLY else where
        return (
            f"{self.latent} {verb} from {self._level(0)} to "
            f"{self._level(-1)}{unit_behind(self.unit)} while {self.feature} goes from "
            f"{self._range()}{where}"
        )

    def _turning(self) -> str:
        # How far it rises above both ends against how far it falls below both: the
        # larger is told.
        top = np.max(self.y) - max(self.y[0], self.y[-1])
        bottom = min(self.y[0], self.y[-1]) - np.min(self.y)
        word, place = ("highest", np.argmax) if top >= bottom else ("lowest", np.argmin)
        at = self._at(float(self.x[place(self.y)]))
        return (
            f"{self.latent} is {word} where {self.feature} is near "
            f"{at}{unit_behind(self.x_unit)}, and changes by "
            f"{self._span(float(np.ptp(self.y)))}"
        )

    @property
    def _middle(self) -> float:
        return float(0.5 * (self.x[0] + self.x[-1]))

    def _range(self) -> str:
        low, high = self._at(float(self.x[0])), self._at(float(self.x[-1]))
        return f"{low} to {high}{unit_behind(self.x_unit)}"


def _valued(value: float, unit: str) -> str:
    return number(value) + unit_behind(unit)


def joint_sentence(
    model: "SymbolicModel",
    columns: Mapping[str, Any],
    latent: str,
    feature: str,
    partner: str,
) -> str:
    """Say what a feature does where another one is small, and where it is large.

    Args:
        columns: feature -> sampled values;  partner: what the feature acts with.
    Returns:
        One sentence without a full stop; empty where the two effects are alike, or one of
        the features has classes.
    """
    values = _numbers(columns.get(partner))
    if len(values) < 2 or getattr(model.units.kinds.get(partner), "labels", ()):
        return ""
    ends = np.quantile(values, [0.1, 0.9]).tolist()
    curves = [
        response(model, columns, latent, feature, {partner: value}) for value in ends
    ]
    low, high = curves
    if low is None or high is None or low.classes:
        return ""
    # Two curves that differ by their level alone are one effect: the range of the difference
    # says how far their shapes part.
    apart = np.ptp(low.y - high.y)
    if apart <= ALIKE * max(np.ptp(low.y), np.ptp(high.y)):
        return ""
    unit = unit_behind(model.unit_of.get(partner, ""))
    at = [number(value, digits_within(*ends)) for value in ends]
    return (
        f"where {partner} is {at[0]}{unit}, {low.sentence()}; where it is {at[1]}{unit}, "
        f"{high.sentence()}"
    )


def response(
    model: "SymbolicModel",
    columns: Mapping[str, Any],
    latent: str,
    feature: str,
    held: Mapping[str, float] | None = None,
) -> Response | None:
    """Return the latent along a feature between its 2nd and 98th percentile.

    The tails are left out, because a sentence is about most of the data.

    Args:
        columns: feature -> sampled values.
        held: feature -> value that it has instead of its median.
    Returns:
        Nothing where the feature has no numbers, or the equation is not defined.
    """
    # Others at their medians: the sentence is about this feature, in a typical row.
    kind: Any = model.units.kinds.get(feature)
    medians = {name: _median(columns.get(name)) for name in model.used_features()}
    values = _numbers(columns.get(feature))
    if len(values) < 2 or any(value is None for value in medians.values()):
        return None
    low, high = np.quantile(values, [0.02, 0.98])
    classes = getattr(kind, "labels", ())
    x = np.array(kind.codes) if classes else np.linspace(low, high, POINTS)
    if low == high or len(x) < 2:
        return None
    at = medians | dict(held or {})
    frame = {name: np.full(len(x), value) for name, value in at.items()}
    y = model.latents(frame | {feature: x})[latent].to_numpy(dtype=float)
    if not np.isfinite(y).all():
        return None
    units = model.unit_of
    unit, x_unit = units.get(latent, ""), units.get(feature, "")
    return Response(latent, feature, x, y, unit, x_unit, tuple(classes))


def _numbers(values: Any) -> Array:
    try:
        numbers = np.array([v for v in values if v is not None], dtype=float)
    except (TypeError, ValueError):  # labels, or no such column
        return np.empty(0)
    return numbers[np.isfinite(numbers)]


def _median(values: Any) -> float | None:
    finite = _numbers(values)
    return float(np.median(finite)) if len(finite) else None
