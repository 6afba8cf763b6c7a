"""Scaling of encoder inputs, learned on the training rows and stored by the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from sciren.data.kinds import FeatureKind
from sciren.errors import ConfigError, ShapeError

ScalingKind = Literal["standard", "minmax", "none"]


@dataclass(frozen=True, eq=False)
class FeatureScaling:
    """Linear scaling z = (x - shift) / scale of every feature.

    Args:
        kind: ``"standard"`` (mean 0, standard deviation 1, ddof 0), ``"minmax"``
            (training range becomes 0..1) or ``"none"``.
        shift: (d,), unit of each feature.
        scale: (d,), unit of each feature, positive; 1 for a constant feature.
    Raises:
        ShapeError: shift and scale are not two vectors of one length.
    """

    kind: ScalingKind
    shift: Tensor
    scale: Tensor

    def __post_init__(self) -> None:
        if self.shift.ndim != 1 or self.shift.shape != self.scale.shape:
            raise ShapeError(
                "shift and scale need one number a feature, got shapes "
                f"{tuple(self.shift.shape)} and {tuple(self.scale.shape)}"
            )

    @classmethod
    def fit(
        cls,
        features: Tensor,
        kind: ScalingKind = "standard",
        kinds: Sequence[FeatureKind] = (),
    ) -> "FeatureScaling":
        """Learn the scaling from training rows.

        Args:
            features: (n, d), physical units, no nan.
            kind: see the class.
            kinds: of the features, some of which are not scaled; default all numeric.
        Raises:
            ConfigError: unknown kind.
            ShapeError: no rows, or not a table of rows and columns.
        """
        if kind not in get_args(ScalingKind):
            choices = ", ".join(get_args(ScalingKind))
            raise ConfigError(f"scaling {kind!r} does not exist; use one of {choices}")
        if features.ndim != 2 or len(features) == 0:
            raise ShapeError(
                f"features have shape {tuple(features.shape)}; "
                "scaling needs (rows, features) with at least one row"
            )
        low, high = features.amin(0), features.amax(0)
        unit = torch.ones_like(low)
        if kind == "none":
            shift, scale = torch.zeros_like(low), unit
        elif kind == "minmax":
            shift, scale = low, high - low
        else:
            shift, scale = features.mean(0), _deviation(features)
        # A constant feature is shifted only: dividing by its zero spread would give
        # nan.
        spread = (high > low) & (scale > 0)
        scale = torch.where(spread, scale, unit)
        for place, what in enumerate(kinds):
            if (fixed := what.scaling()) is not None:
                shift[place], scale[place] = fixed
        return cls(kind, shift, scale)

    def apply(self, features: Tensor) -> Tensor:
        """Return z = (x - shift) / scale, (n, d), without unit."""
        self._check(features)
        return (features - self.shift) / self.scale

    def undo(self, scaled: Tensor) -> Tensor:
        """Return x = z * scale + shift, (n, d), physical units."""
        self._check(scaled)
        return scaled * self.scale + self.shift

    def to(self, device: torch.device | str) -> "FeatureScaling":
        """Return the same scaling on another device."""
        return FeatureScaling(self.kind, self.shift.to(device), self.scale.to(device))

    def _check(self, features: Tensor) -> None:
        if features.shape[-1] != len(self.shift):
            raise ShapeError(
                f"scaling knows {len(self.shift)} features, got {features.shape[-1]}"
            )


def _deviation(features: Tensor) -> Tensor:
    """Return standard deviations (d,) also where squares leave the range of floats."""
    scale = features.std(0, correction=0)
    centred = features - features.mean(0)
    # Squares of 1e200 overflow and those of 1e-200 vanish: the largest distance is the
    # unit.
    unit = centred.abs().amax(0)
    lost = (unit > 0) & ~((scale > 0) & torch.isfinite(scale))
    unit = torch.where(lost, unit, torch.ones_like(unit))
    return torch.where(lost, unit * (centred / unit).std(0, correction=0), scale)
