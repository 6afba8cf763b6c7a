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

if TYPE_CHECKING:
    from sciren.comparison import ResidualScale

SHARES = 101  # quantiles that are kept: whole percents


@dataclass(frozen=True)
class Spread:
    """Distances of the observations of one target from free runs.

    Attributes:
        offset: of the logarithms that were compared; None for plain differences.
        quantiles: (101,) of the absolute differences, whole percents.
    """

    offset: float | None
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
        offset = float(scale.offset[target]) if scale.kind == "log" else None
        finite = np.isfinite(observed)
        difference = _scaled(observed[finite], offset) - _scaled(
            simulated[finite], offset
        )
        shares = np.linspace(0, 1, SHARES)
        return cls(offset, np.quantile(np.abs(difference), shares))

    def limits(
        self, simulated: np.ndarray, level: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high ends that hold a new observation with this probability."""
        shares = np.linspace(0, 1, len(self.quantiles))
        width = float(np.interp(level, shares, self.quantiles))
        if self.offset is None:
            return simulated - width, simulated + width
        # A ratio in logarithms: limits are factors of value + offset, never below
        # -offset.
        inside = np.maximum(simulated + self.offset, 0)
        return (
            inside * np.exp(-width) - self.offset,
            inside * np.exp(width) - self.offset,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"offset": self.offset, "quantiles": self.quantiles.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        offset = stored["offset"]
        numbers = np.array(stored["quantiles"], dtype=float)
        return cls(None if offset is None else float(offset), numbers)


def _scaled(values: np.ndarray, offset: float | None) -> np.ndarray:
    if offset is None:
        return values
    # as the comparison: below 0.1 % of the offset a logarithm means nothing
    return np.log(np.maximum(values + offset, 1e-3 * offset))
