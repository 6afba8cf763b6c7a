"""How far observations lie from free runs: intervals of new observations.

Of held-out series the shares of the differences between observed and simulated values are
kept, on the scale on which series were compared; a new observation lies within the share
asked for, if its series is like them (split conformal prediction, Vovk et al. 2005; rows of
a group are no independent draws, so the share holds over many groups only).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discovery.uncertainty.record import Comparison

if TYPE_CHECKING:
    from sciren.comparison import ResidualScale

SHARES = 101  # quantiles that are kept: whole percents


@dataclass(frozen=True)
class Spread:
    """Distances of the observations of one target from free runs.

    Attributes:
        scale: of the comparison, with sd one.
        quantiles: (101,) of the absolute differences, whole percents.
    """

    scale: Comparison
    quantiles: np.ndarray

    @classmethod
    def of(
        cls,
        observed: np.ndarray,
        simulated: np.ndarray,
        scale: "ResidualScale",
        target: int,
    ) -> Self:
        """Learn from observed (nan = not observed) and simulated values of one shape."""
        compared = Comparison(scale.kind, 1.0, float(scale.offset[target]))
        finite = np.isfinite(observed)
        difference = compared.transform(observed[finite]) - compared.transform(
            simulated[finite]
        )
        shares = np.linspace(0, 1, SHARES)
        return cls(compared, np.quantile(np.abs(difference), shares))

    def limits(
        self, simulated: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high ends that hold a new observation with this probability."""
        shares = np.linspace(0, 1, len(self.quantiles))
        width = float(np.interp(level, shares, self.quantiles))
        middle = self.scale.transform(simulated)
        return self.scale.inverse(middle - width), self.scale.inverse(middle + width)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        kind, offset = self.scale.kind, self.scale.offset
        return {"kind": kind, "offset": offset, "quantiles": self.quantiles.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; earlier runs have no kind, and an offset for logs."""
        offset, numbers = stored["offset"], np.array(stored["quantiles"], dtype=float)
        kind = stored.get("kind", "identity" if offset is None else "log")
        return cls(Comparison(kind, 1.0, float(offset or 0.0)), numbers)
