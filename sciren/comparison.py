"""Observed targets as weighted, standardised residuals."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sciren.agreement import LOG_FLOOR
from sciren.data.table import Table
from sciren.errors import TrainingError

Residual = Literal["identity", "log", "asinh"]


@dataclass(frozen=True)
class ResidualScale:
    """How predictions are compared with targets, learned on the training rows.

    Args:
        kind: "identity": (prediction - target) / sd; "log": difference of
            log(value + offset); "asinh": of asinh(value / offset), on which errors with
            deviation proportional to sqrt(value^2 + offset^2) are of one size.
        sd: (t,) deviation of the observed targets on that scale; population form.
        offset: (t,) added inside the log, or floor of the errors; unit of the target.

    Reference: Rocke and Durbin 2001, J. Comput. Biol. 8, 557 (errors above a floor).
    """

    kind: Residual
    sd: Tensor
    offset: Tensor

    @classmethod
    def fit(
        cls, targets: Tensor, kind: Residual = "identity", offset: float | None = None
    ) -> "ResidualScale":
        """Learn deviations (and the default offset, 1 % of the median) from targets.

        Args:
            targets: (n, t), nan = not observed.
        Raises:
            TrainingError: a target without any observation, or too small for a log.
        """
        empty = torch.isnan(targets).all(0).nonzero().flatten().tolist()
        if empty:
            raise TrainingError(
                f"target number {empty[0] + 1} has no observation in the training rows; "
                "check the split or drop the target"
            )
        # 1 % of the median keeps the log of small fluxes from ruling the loss.
        share = 0.01 * targets.nanmedian(0).values.abs()
        added = share if offset is None else torch.full_like(share, offset)
        if kind == "log":
            lowest = torch.where(torch.isnan(targets), torch.inf, targets).amin(0)
            if bool((lowest + added <= 0).any()):
                raise TrainingError(
                    f"residual 'log' needs target + offset > 0; the smallest target is "
                    f"{lowest.min():g} and the offset {added.min():g}. "
                    "Raise offset, or use residual 'identity'"
                )
            targets = torch.log(targets + added)
        if kind == "asinh":
            # a target whose median is zero has its mean size for a floor to start from
            size = 0.01 * targets.abs().nanmean(0)
            added = torch.where(added > 0, added, size.clamp_min(1e-300))
            targets = torch.asinh(targets / added)
        sd = torch.stack([_deviation(column) for column in targets.unbind(1)])
        return cls(kind, sd, added)

    def to(self, device: torch.device | str) -> "ResidualScale":
        """Return the same scale on another device."""
        return ResidualScale(self.kind, self.sd.to(device), self.offset.to(device))

    def transform(self, values: Tensor) -> Tensor:
        """Put predictions or targets (..., t) on the scale of the comparison."""
        if self.kind == "log":
            inside = self._inside(values)
            # log(inside) + (v - inside) / inside: value and slope meet those of the log
            # there.
            slack = (values + self.offset - inside) / inside
            return (torch.log(inside) + slack) / self.sd
        if self.kind == "asinh":
            return torch.asinh(values / self.offset) / self.sd
        return values / self.sd

    def slope(self, values: Tensor) -> Tensor:
        """Derivative of `transform` at predictions (..., t)."""
        if self.kind == "log":
            return 1 / (self._inside(values) * self.sd)
        if self.kind == "asinh":
            return 1 / (torch.hypot(values, self.offset) * self.sd)
        return 1 / self.sd

    def _inside(self, values: Tensor) -> Tensor:
        """Argument of the log, held above its floor."""
        # both `transform` and `slope` use it, so that they belong to one function
        return (values + self.offset).clamp_min(LOG_FLOOR * self.offset)


def _deviation(column: Tensor) -> Tensor:
    observed = column[~torch.isnan(column)]
    sd = observed.std(correction=0)
    # A target that does not vary is compared in its own unit.
    return torch.where(sd > 0, sd, torch.ones_like(sd))


@dataclass(frozen=True)
class Observations:
    """Targets of one table on the scale of the comparison.

    Args:
        scale: the comparison.
        values: (n, t) transformed targets, zero where not observed.
        weights: (n, t), zero where not observed.
        blocks: (n,) unit of resampling.
        rank: (n,) place of the rows in time; None where there are groups or no time.
    """

    scale: ResidualScale
    values: Tensor
    weights: Tensor
    blocks: Tensor
    rank: Tensor | None = None

    @classmethod
    def of(cls, table: Table, scale: ResidualScale) -> "Observations":
        """Take the targets and row weights of a table."""
        observed = table.observed
        # nan must not enter the log: nan times zero weight is nan, also in gradients.
        filled = torch.where(observed, table.targets, torch.zeros_like(table.targets))
        values = torch.where(
            observed, scale.transform(filled), torch.zeros_like(filled)
        )
        weights = observed.to(values.dtype)
        if table.weights is not None:
            weights = weights * table.weights.unsqueeze(1)
        rank = None
        if table.time is not None and table.groups is None:
            order = torch.from_numpy(np.argsort(table.time, kind="stable"))
            rank = torch.empty_like(table.blocks)
            # The inverse of the sorting: the place in time of every row.
            rank[order.to(rank.device)] = torch.arange(len(order), device=rank.device)
        return cls(scale, values, weights, table.blocks, rank)

    @cached_property
    def complete(self) -> bool:
        """Whether every target of every row was observed, with weight."""
        return bool((self.weights > 0).all())

    @property
    def count(self) -> int:
        """Number of observations with weight."""
        return int((self.weights > 0).sum())

    def residual(self, predicted: Tensor) -> Tensor:
        """Transformed prediction minus observation, (..., n, t), zero if unobserved."""
        difference = self.scale.transform(predicted) - self.values
        if self.complete:
            return difference
        return torch.where(self.weights > 0, difference, torch.zeros_like(difference))

    def take(self, rows: Tensor | slice) -> "Observations":
        """Return some of the rows."""
        values, weights = self.values[rows], self.weights[rows]
        rank = None if self.rank is None else self.rank[rows]
        return replace(
            self, values=values, weights=weights, blocks=self.blocks[rows], rank=rank
        )

    def reweighted(self, factor: Tensor) -> "Observations":
        """Return the same observations with weights times a factor (n, t)."""
        return replace(self, weights=self.weights * factor)
