"""Centred spline basis of the features for one layer, kept whole or made by chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from sciren.encoders.curve_spaces import CurveSpaces
from sciren.encoders.kan import KANEncoder
from sciren.splines import Outside, design

KEPT = 150_000_000  # numbers of a basis that is kept in memory (1.2 GB)
AT_ONCE = 1_000_000  # numbers of a basis worked on at once: 8 MB, a cache's size
LEAST_ROWS = 512  # below, the overhead of a call exceeds its arithmetic


def chunks(rows: int, numbers: int) -> Iterator[slice]:
    """Cut rows into slices, with about `AT_ONCE` numbers each.

    Args:
        rows: how many there are;  numbers: that each row takes.
    """
    size = max(LEAST_ROWS, AT_ONCE // max(numbers, 1))
    # Slices of nearly equal size: no short one is left at the end.
    count = max(1, -(-rows // size))
    for k in range(count):
        yield slice(k * rows // count, (k + 1) * rows // count)


@dataclass(frozen=True)
class Knots:
    """Uniform knots of all features.

    Attributes:
        low, high: (d,) range;  intervals: number of them;  outside: as in `design`.
        spaces: curves that the kinds of the features allow.
    """

    low: Tensor
    high: Tensor
    intervals: int
    outside: Outside
    spaces: CurveSpaces = field(default_factory=CurveSpaces)

    @classmethod
    def of(cls, encoder: KANEncoder) -> "Knots":
        """Return the knots of the first layer of an encoder."""
        layer = encoder.spline_layers[0]
        return cls(layer.low, layer.high, layer.intervals, layer.outside, layer.spaces)

    def basis(self, scaled: Tensor) -> Tensor:
        """All basis functions of scaled features (n, d): (n, d m)."""
        grid = (self.low, self.high, self.intervals, self.outside)
        columns = design(self.spaces.on_knots(scaled), *grid)
        return self.spaces.turned(columns, self.intervals).flatten(1)

    def penalty(self, dtype: torch.dtype) -> Tensor:
        """Matrix (d m, d m) of the summed integrals of f''^2."""
        blocks = self.spaces.bending(self.low, self.high, self.intervals)
        return torch.block_diag(*blocks).to(self.low.device, dtype)

    def ridge(self, mean: Tensor) -> Tensor | None:
        """Ridges (d, m, m) for means (d m,) of the columns; None where no kind has one."""
        if not self.spaces:
            return None
        blocks = self.spaces.ridge(
            mean.unflatten(0, (len(self.low), -1)), self.intervals
        )
        return torch.stack(blocks).to(mean)

    def to_spline(self, own: Tensor) -> Tensor:
        """Coefficients (d, J, m) of the kinds as those of splines."""
        return self.spaces.to_spline(own, self.intervals)

    def from_spline(self, coefficients: Tensor) -> Tensor:
        """Coefficients (d, J, m) of splines as those of the kinds."""
        return self.spaces.from_spline(coefficients, self.intervals)


@dataclass(frozen=True)
class SplineDesign:
    """Columns 1 and the spline basis of scaled features, centred on training rows.

    Attributes:
        scaled: (n, d) scaled features.
        knots: of the basis.
        mean: (d * m,) what is subtracted.
        penalty: (d * m, d * m) with c' penalty c = sum of integral f''^2 over features.
        kept: (1 + d * m, n) all columns, or None where they are made when needed.
        ridge: (d m, d m) ridge that does not hang on the smoothing, or None.
    """

    scaled: Tensor
    knots: Knots
    mean: Tensor
    penalty: Tensor
    kept: Tensor | None
    ridge: Tensor | None = None

    @classmethod
    def of(
        cls,
        encoder: KANEncoder,
        scaled: Tensor,
        mean: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> "SplineDesign":
        """Build the centred basis of scaled features (n, d).

        Args:
            encoder: whose first layer lays the knots.
            scaled: (n, d).
            mean: (d m,) what is subtracted; default the mean over these rows.
            weights: (n,) of the rows in that mean; default all alike.
        """
        knots = Knots.of(encoder)
        penalty = knots.penalty(scaled.dtype)
        rows, width = len(scaled), len(penalty)
        kept = None
        if rows * (1 + width) <= KEPT:
            kept = scaled.new_ones(1 + width, rows)
            for part in chunks(rows, 1 + width):
                # Columns as rows of the array, so that products run along contiguous
                # rows of data.
                kept[1:, part] = knots.basis(scaled[part]).mT
        if mean is None:
            share = torch.ones_like(scaled[:, 0]) if weights is None else weights
            share, mean = share / share.sum(), scaled.new_zeros(width)
            for part in chunks(rows, 1 + width):
                basis = knots.basis(scaled[part]).mT if kept is None else kept[1:, part]
                mean = mean + basis @ share[part]
        # Centred on the training rows, edges have no constants: those would add up to the
        # intercept and leave the normal matrix singular.
        if kept is not None:
            kept[1:] -= mean.unsqueeze(1)
        ridge = knots.ridge(mean)
        if (
            ridge is not None
        ):  # to begin with, a class counts as one more row on the mean
            ridge = torch.block_diag(*ridge) / rows
        return cls(scaled, knots, mean, penalty, kept, ridge)

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return self.scaled.shape[1]

    @property
    def width(self) -> int:
        """Number of columns without that of ones."""
        return len(self.penalty)

    def __len__(self) -> int:
        return len(self.scaled)

    def columns(self, part: slice | Tensor) -> Tensor:
        """Columns (m, 1 + d m) of some of the rows; each is contiguous."""
        if self.kept is not None:
            return self.kept[:, part].mT
        scaled = self.scaled[part]
        columns = scaled.new_ones(1 + self.width, len(scaled))
        columns[1:] = (self.knots.basis(scaled) - self.mean).mT
        return columns.mT

    @property
    def matrix(self) -> Tensor:
        """All columns but that of ones (n, d m), whatever their number."""
        return self.columns(slice(None))[:, 1:]

    def take(self, rows: Tensor) -> "SplineDesign":
        """Return the design on some rows (positions), centred as before."""
        kept = None if self.kept is None else self.kept[:, rows]
        return replace(self, scaled=self.scaled[rows], kept=kept)

    @classmethod
    def of_ones(cls, ones: Tensor) -> "SplineDesign":
        """Return the design whose only column is that of ones (n,)."""
        empty = ones[:0]
        return cls(
            ones[:, None][:, :0], Knots(empty, empty, 1, "linear"), empty, ones.new_zeros(0, 0),
            ones[None],
        )  # fmt: skip

    def without_features(self) -> "SplineDesign":
        """Return the design whose only column is that of ones."""
        return replace(
            self,
            scaled=self.scaled[:, :0],
            mean=self.mean[:0],
            penalty=self.penalty[:0, :0],
            ridge=None,
            kept=self.scaled.new_ones(1, len(self.scaled)),
        )

    def smoothest(self, count: int) -> Tensor:
        """Return the smoothest curves of every feature as coefficients (d m, d r).

        The straight line and the r - 1 least bent others, r at most `count`.
        """
        width = self.width // max(self.n_features, 1)
        # The projection onto constants: all coefficients equal.
        level = torch.full((width, width), 1.0 / width).to(self.penalty)
        blocks = []
        for k in range(self.n_features):
            part = slice(k * width, (k + 1) * width)
            block = self.penalty[part, part]
            if self.ridge is not None:
                block = block + self.ridge[part, part]
            # Constants have no effect, the columns are centred: they come last.
            bent = block + 10 * block.diagonal().sum() * level
            blocks.append(torch.linalg.eigh(bent).eigenvectors[:, :count])
        return torch.block_diag(*blocks)

    def spanned_by(self, curves: Tensor) -> "SplineDesign":
        """Return the design of curves with coefficients (d m, d r), kept in memory."""
        columns = self.scaled.new_ones(1 + curves.shape[1], len(self))
        for part in chunks(len(self), 1 + self.width):
            torch.mm(curves.mT, self.columns(part)[:, 1:].mT, out=columns[1:, part])
        # The quadratic forms of the combinations; c = curves z.
        penalty = curves.mT @ self.penalty @ curves
        mean = self.mean @ curves
        ridge = None if self.ridge is None else curves.mT @ self.ridge @ curves
        return replace(self, mean=mean, penalty=penalty, kept=columns, ridge=ridge)

    def times(self, coefficients: Tensor) -> Tensor:
        """Columns times coefficients (S, J, 1 + d m) or (S, J, d m): (S, n, J)."""
        members, several, width = coefficients.shape
        # Coefficients with or without an intercept: its column is the first.
        first = 1 + self.width - width
        flat = coefficients.flatten(0, 1)
        out = flat.new_empty(len(flat), len(self))
        for part in chunks(len(self), 1 + self.width):
            torch.mm(flat, self.columns(part)[:, first:].mT, out=out[:, part])
        return out.unflatten(0, (members, several)).mT

    def gram(self) -> Tensor:
        """Mean of products of the columns without ones (d m, d m)."""
        gram = self.penalty.new_zeros(self.width, self.width)
        for part in chunks(len(self), 1 + self.width):
            columns = self.columns(part)[:, 1:]
            gram.addmm_(columns.mT, columns)
        return gram / len(self)

    def deviation(self, coefficients: Tensor) -> Tensor:
        """Standard deviation (d, J) of edges with coefficients (J, d m) over the rows."""
        shape = (self.n_features, -1)
        per_edge = coefficients.unflatten(1, shape).transpose(0, 1)  # (d, J, m)
        sums = per_edge.new_zeros(2, *per_edge.shape[:2])
        for part in chunks(len(self), 1 + self.width):
            basis = self.columns(part)[:, 1:].mT.unflatten(0, shape)  # (d, m, rows)
            values = per_edge @ basis
            sums += torch.stack((values.sum(-1), values.pow(2).sum(-1)))
        # Columns are centred on the training rows, but on those of a subset only
        # nearly.
        mean, square = sums / len(self)
        return (square - mean**2).clamp_min(0).sqrt()
