"""Residuals of simulated series, on the scale of the comparison, whitened in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from sciren.comparison import Residual, ResidualScale
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.solving.simulation import SeriesProcess
from sciren.errors import TrainingError
from sciren.inference.autoregression import Autoregression, filtered, fit_autoregression
from sciren.training.config import TrainConfig

KINDS: Mapping[str, Residual] = {
    "equal": "identity", "proportional": "log", "proportional+floor": "asinh",
}  # fmt: skip
"""Declared errors -> the scale on which they are of one size."""

ORDER = 3  # highest order of the memory of the noise that is tried


@dataclass(frozen=True)
class NoiseOfSeries:
    """Noise of every target: its variance, and its memory from row to row.

    Attributes:
        variance: (m,) of the whitened residuals, on the scale of the comparison.
        memory: autoregression of every target.
    """

    variance: np.ndarray
    memory: tuple[Autoregression, ...]


@dataclass(frozen=True)
class Comparison:
    """What simulations of a process are compared with.

    Observations of a group are stacked target by target, in time order; an unbroken
    stretch of rows is a segment, and no memory reaches over its ends.

    Attributes:
        scale: transformation of predictions and targets.
        observed: (m, T, G) transformed targets, zero where not compared.
        compared: (m, T, G) bool: observed, after the warm-up, counted.
        noise: variance and memory of the noise.
    """

    scale: ResidualScale
    observed: np.ndarray
    compared: np.ndarray
    noise: NoiseOfSeries

    @classmethod
    def of(cls, process: SeriesProcess, scale: ResidualScale) -> "Comparison":
        """Compare with the targets of the series, noise equal and without memory.

        Args:
            process: its table holds the targets of the model.
            scale: of the comparison.
        Raises:
            TrainingError: a target of the model is missing, or nothing is compared.
        """
        targets = compared_targets(process)
        compared = ~np.isnan(targets)
        # One is a value that every transformation takes; it is masked again at once.
        targets_or_one = torch.from_numpy(np.where(compared, targets, 1.0))
        observed = np.where(compared, scale.transform(targets_or_one).numpy(), 0.0)
        count = targets.shape[-1]
        noise = NoiseOfSeries(np.ones(count), (Autoregression.none(),) * count)
        return cls(
            scale, observed.transpose(2, 0, 1), compared.transpose(2, 0, 1), noise
        )

    @classmethod
    def declared(cls, process: SeriesProcess, config: TrainConfig) -> "Comparison":
        """Compare as the process declares its errors, else as the settings say."""
        targets = torch.from_numpy(compared_targets(process)).flatten(0, 1)
        kind = residual_kind(process.model, config)
        return cls.of(process, ResidualScale.fit(targets, kind, config.offset))

    def take(self, groups: np.ndarray | Sequence[int], rows: int) -> "Comparison":
        """Return the comparison of some groups, cut to their longest."""
        return replace(
            self,
            observed=self.observed[:, :rows, groups],
            compared=self.compared[:, :rows, groups],
        )

    @property
    def counts(self) -> np.ndarray:
        """Number of observations of every group, (G,)."""
        return self.compared.sum((0, 1))

    def residual(self, outputs: np.ndarray) -> np.ndarray:
        """Return transformed prediction minus observation (m, T, G), zero elsewhere."""
        scaled = self.scale.transform(torch.from_numpy(outputs.transpose(1, 2, 0)))
        residual = scaled.numpy().transpose(2, 0, 1) - self.observed
        return np.where(self.compared, residual, 0.0)

    def slope(self, outputs: np.ndarray) -> np.ndarray:
        """Return the derivative of the transformed prediction by the prediction."""
        values = torch.from_numpy(outputs.transpose(1, 2, 0).copy()).requires_grad_()
        with torch.enable_grad():
            # The transformation acts entry by entry: the gradient of the sum holds all
            # derivatives.
            total = self.scale.transform(values).sum()
        (slope,) = torch.autograd.grad(total, values)
        return slope.numpy().transpose(2, 0, 1)

    def stacked(self, columns: np.ndarray, group: int) -> np.ndarray:
        """Return the whitened observations of a group.

        Args:
            columns: (c, m, T) residuals or derivatives of the group.
        Returns:
            (observations, c), in units of the noise.
        """
        parts = []
        for target, memory in enumerate(self.noise.memory):
            # Gaps split the filter into segments: over a gap the lag of the filter
            # would be wrong.
            rows = np.flatnonzero(self.compared[target, :, group])
            part = columns[:, target, rows].T
            if memory.order:
                part = filtered(memory, part, _segments(rows))
            parts.append(part / np.sqrt(self.noise.variance[target]))
        return np.concatenate(parts)

    def losses(self, outputs: np.ndarray) -> np.ndarray:
        """Return the sum of squares of every group, (G,), infinite without a number."""
        residual = self.residual(outputs)
        losses = np.empty(residual.shape[-1])
        for group in range(len(losses)):
            stack = self.stacked(residual[None, ..., group], group)
            with np.errstate(over="ignore"):  # a trial step may leave the doubles
                losses[group] = np.sum(stack**2)
        return np.where(np.isfinite(losses), losses, np.inf)

    def with_noise_of(self, outputs: np.ndarray, memory: bool = True) -> "Comparison":
        """Return the comparison under the noise of these simulations.

        Memory is estimated from the residuals in time order, every group at its own
        mean; the variance of a target is that of its whitened residuals.
        """
        residual = self.residual(outputs)
        memories = [
            self._memory(residual[target], target) if memory else Autoregression.none()
            for target in range(len(residual))
        ]
        # Variance one first: what `stacked` returns is then whitened by memory alone.
        ones = np.ones(len(memories))
        plain = replace(self, noise=NoiseOfSeries(ones, tuple(memories)))
        white = [
            plain.stacked(residual[None, ..., group], group)[:, 0]
            for group in range(residual.shape[-1])
        ]
        variance = plain.variances(white)
        return replace(self, noise=NoiseOfSeries(variance, tuple(memories)))

    def variances(self, white: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean square of every target over the stacks of all groups."""
        sums = np.zeros(len(self.compared))
        counts = self.compared.sum((1, 2))
        for group, stack in enumerate(white):
            ends = np.cumsum([0, *self.compared[:, :, group].sum(1)])
            for target, (first, last) in enumerate(pairwise(ends)):
                sums[target] += np.sum(stack[first:last] ** 2)
        # A perfect simulation has variance zero, by which the next stack divides.
        return np.maximum(sums / np.maximum(counts, 1), 1e-300)

    def _memory(self, residual: np.ndarray, target: int) -> Autoregression:
        values, segments, last = [], [], 0
        for group in range(residual.shape[-1]):
            rows = np.flatnonzero(self.compared[target, :, group])
            if not len(rows):
                continue
            # At its own mean: a bias of a group would look like an endless memory.
            part = residual[rows, group]
            values.append(part - part.mean())
            # Ids continue from group to group, so that no lag reaches from one into the
            # next.
            segments.append(_segments(rows) + last)
            last = segments[-1][-1] + 1
        return fit_autoregression(
            np.concatenate(values), np.concatenate(segments), ORDER
        )


def residual_kind(model: DynamicModel, config: TrainConfig) -> Residual:
    """Return how errors of a process grow: as it declares, else as the settings say."""
    if model.error is None:
        return config.residual
    return KINDS[model.error]


def compared_targets(process: SeriesProcess) -> np.ndarray:
    """Return the targets in the order of the model, (T, G, m), nan where not compared.

    Raises:
        TrainingError: a target is missing, or has no observation that counts.
    """
    table, model = process.table, process.model
    for name in model.targets:
        if name not in table.target_names:
            raise TrainingError(
                f"process model {model.name!r} gives target {name!r}, which the series do "
                f"not have ({', '.join(table.target_names) or 'no targets'}); map it with "
                "targets={model's name: column}"
            )
    order = [table.target_names.index(name) for name in model.targets]
    compared = table.compared(model.warmup)[..., order]
    for number, name in enumerate(model.targets):
        if not compared[..., number].any():
            raise TrainingError(
                f"target {name!r} has no observation after the warm-up of {model.warmup} "
                "rows; lower warmup, or give longer series"
            )
    return np.where(compared, table.targets[..., order], np.nan)


def _segments(rows: np.ndarray) -> np.ndarray:
    """Return ids of unbroken stretches of rows."""
    return np.concatenate(([0], np.cumsum(np.diff(rows) != 1))) if len(rows) else rows
