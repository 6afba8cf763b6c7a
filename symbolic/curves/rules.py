"""CurveRules: by which rules the closed forms of one curve compete."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sciren.errors import ConfigError, closest_names
from symbolic.curves.criterion import EQUAL_WITHIN
from symbolic.curves.points import Points
from symbolic.families.forms import Array, Form
from symbolic.families.kind_families import KIND_FAMILIES
from symbolic.families.library import FAMILIES

DIRECTION = {"increasing": 1.0, "decreasing": -1.0, "positive": 1.0, "negative": -1.0}


@dataclass(frozen=True)
class CurveRules:
    """What `fit_curve` takes by keyword, beside the curve itself.

    Args:
        effective_points: independent points of a smooth curve, the degrees of freedom of
            its spline; raised where residuals scatter from point to point.
        refuse_above: unexplained share of the explainable variance that is too much.
        noise_floor: share of sd(y) that counts as rounding.
        margin: what a curved family must gain beyond the penalty of its constants.
        equal_within: families whose criterion is this close are reported as equals.
        domain_margin: by which the domain reaches beyond the data, of their range.
        forbid: families to leave out;  pin: the one to take, without refusal.
        trend, sign: only members of this direction, or of this sign, on the whole range.
        surcharges: family -> addition to its criterion, the user's own preferences.
    """

    effective_points: float = 15.0
    refuse_above: float = 0.01
    noise_floor: float = 1e-6
    margin: float = 6.0
    equal_within: float = EQUAL_WITHIN
    domain_margin: float = 0.0
    forbid: Iterable[str] = ()
    pin: str | None = None
    trend: Literal["increasing", "decreasing"] | None = None
    sign: Literal["positive", "negative"] | None = None
    surcharges: Mapping[str, float] | None = None

    def allowed(self, families: Iterable[str]) -> list[str]:
        """Return those of the families that compete, each once.

        Raises:
            ConfigError: an unknown family, or none left.
        """
        left_out = set(self.forbid)
        names = [self.pin] if self.pin is not None else list(dict.fromkeys(families))
        for name in [*names, *left_out]:
            if name not in FAMILIES and name not in KIND_FAMILIES:
                raise ConfigError(
                    f"family {name!r} is not in the library. "
                    f"{closest_names(name, FAMILIES)} Add it with register_family."
                )
        names = [name for name in names if name not in left_out]
        if not names:
            raise ConfigError("no family is left; shorten forbid or lengthen families")
        return names

    def admit(self, form: Form, c: Array, points: Points) -> bool:
        """Whether a member has the trend and the sign on the range of the data."""
        # looked at on a fine grid: shapes of the library
        # have no narrow features between its points
        grid = np.linspace(points.x[0], points.x[-1], 201)
        for name, function in ((self.trend, form.by_x), (self.sign, form.value)):
            if name is not None:
                values = DIRECTION[name] * function(grid, c)
                if (values < -1e-9 * np.abs(values).max()).any():
                    return False
        return True

    def surcharge(self, form: Form) -> float:
        """Return what a form pays in the criterion beside its constants."""
        # a thousandth a node: only decides between families that fit equally well
        paid = (self.margin if form.inner else 0.0) + 1e-3 * form.complexity
        return paid + (self.surcharges or {}).get(form.family, 0.0)
