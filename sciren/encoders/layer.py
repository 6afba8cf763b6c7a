"""One layer of a spline network: a learned curve on every edge, sums at the nodes."""

from typing import Literal

import torch
from torch import Tensor, nn

from sciren.encoders.base import uniform
from sciren.encoders.curve_spaces import CurveSpaces
from sciren.errors import ConfigError
from sciren.kernels.functions import EdgeCurves, EdgeSums
from sciren.kernels.window import Knots
from sciren.splines import Outside, design, fit_coefficients, greville, n_coefficients

Base = Literal["zero", "identity", "silu"]
BASES: tuple[Base, ...] = ("zero", "identity", "silu")
WHOLE = 8_000_000  # basis values formed at once, 64 MB


class SplineLayer(nn.Module):
    """Edges phi_ij(x) = mask_ij [a_ij b(x) + sum_g c_ijg B_g(x)], nodes sum_i + bias.

    The knots are shared by all edges that leave one input.

    Args:
        n_inputs, n_outputs: nodes before and after.
        intervals: grid intervals G; G + 3 coefficients an edge.
        base: b(x): nothing, x, or x sigmoid(x).
        outside: continuation of the splines beyond the knots.
    """

    low: Tensor
    high: Tensor
    mask: Tensor

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        intervals: int,
        base: Base = "zero",
        outside: Outside = "linear",
    ) -> None:
        super().__init__()
        if base not in BASES:
            raise ConfigError(f"base {base!r} does not exist; use one of {BASES}")
        if intervals < 1:
            raise ConfigError(f"grid has {intervals} intervals; use at least one")
        self.intervals = intervals
        self.base: Base = base
        self.outside: Outside = outside
        shape = (n_inputs, n_outputs)
        double = torch.float64
        size = n_coefficients(intervals)
        self.coefficients = nn.Parameter(torch.zeros(*shape, size, dtype=double))
        self.bias = nn.Parameter(torch.zeros(n_outputs, dtype=double))
        self.slope = (
            None if base == "zero" else nn.Parameter(torch.zeros(shape, dtype=double))
        )
        self.register_buffer("low", -torch.ones(n_inputs, dtype=double))
        self.register_buffer("high", torch.ones(n_inputs, dtype=double))
        self.register_buffer("mask", torch.ones(shape, dtype=double))
        self.spaces = CurveSpaces()

    def knots(self) -> Knots:
        """Return where the splines live."""
        return Knots.of(self.low, self.high, self.intervals, self.outside)

    def table(self) -> Tensor:
        """Return the kept coefficients (i, j, G + 3), with the base's slope at the end."""
        # Masked here, so that an edge that is gone gets no gradient either.
        kept = self.coefficients * self.mask.unsqueeze(-1)
        if self.slope is None:
            return kept
        return torch.cat((kept, (self.slope * self.mask).unsqueeze(-1)), dim=-1)

    def edges(self, x: Tensor) -> Tensor:
        """Return every edge's output: (n, i) -> (n, i, j)."""
        x = self.spaces.on_knots(x)
        return EdgeCurves.apply(x, self.table(), self.knots(), self.base)

    def forward(self, x: Tensor) -> Tensor:
        """Return the node values (n, j)."""
        table, knots = self.table(), self.knots()
        # Many rows go in parts: a basis takes G + 3 numbers for each input and row.
        parts = self.spaces.on_knots(x).split(max(1, WHOLE // table[:, 0].numel()))
        sums = [EdgeSums.apply(part, table, knots, self.base) for part in parts]
        return (sums[0] if len(sums) == 1 else torch.cat(sums)) + self.bias

    @torch.no_grad()
    def set_range(self, low: Tensor, high: Tensor) -> None:
        """Move the knots without touching the coefficients (before training).

        Knots that belong to the kind of a feature stay.
        """
        # A feature that does not vary still needs knots that differ.
        low, high = self.spaces.with_ends(low, high, self.intervals)
        width = (high - low).clamp_min(1e-12)
        self.low.copy_(low)
        self.high.copy_(low + width)

    @torch.no_grad()
    def update_grid(self, x: Tensor, margin: float) -> None:
        """Move the knots to the range of x plus a margin and refit the splines there.

        Args:
            x: (n, i) inputs of this layer, as places on the knots.
            margin: share of the range added on each side (paper: 2).
        Reference: the authors' grid update with uniform knots.
        """
        # Without mask and base: splines are refitted, whatever else the edge holds.
        curves = EdgeCurves.apply(x, self.coefficients, self.knots(), "zero")
        first, last = x.amin(0), x.amax(0)
        pad = 0.01 + margin * (last - first)  # the published code's; keeps ends inside
        self.set_range(first - pad, last + pad)
        self.coefficients.copy_(
            fit_coefficients(x, curves, self.low, self.high, self.intervals)
        )

    @torch.no_grad()
    def center(self, x: Tensor, weights: Tensor | None = None) -> None:
        """Move each edge's mean over the rows x into the node bias."""
        share = torch.ones(len(x), dtype=x.dtype, device=x.device)
        share = share if weights is None else weights
        size = max(1, WHOLE // (16 * self.mask.numel()))  # windows take more
        parts = zip(x.split(size), (share / share.sum()).split(size), strict=True)
        mean = torch.zeros_like(self.mask, dtype=x.dtype)
        for rows, part in parts:
            mean = mean + torch.einsum("n,nij->ij", part, self.edges(rows))
        # B-splines add up to one: less from every coefficient is less from the curve.
        self.coefficients.sub_((mean * (self.mask != 0)).unsqueeze(-1))
        self.bias.add_(mean.sum(0))

    @torch.no_grad()
    def start_straight(self, generator: torch.Generator, size: float) -> None:
        """Start every edge as a straight line with a random slope within +-size."""
        slopes = uniform(generator, tuple(self.mask.shape), size).to(self.low.device)
        # Coefficients at the Greville points of a line give that line exactly.
        lines = greville(self.low, self.high, self.intervals)
        middle = lines.mean(-1, keepdim=True)
        self.coefficients.copy_(slopes.unsqueeze(-1) * (lines - middle).unsqueeze(1))

    @torch.no_grad()
    def keep_to_kinds(self, x: Tensor) -> None:
        """Replace every curve by the closest one that its feature's kind allows.

        Args:
            x: (n, i) training inputs; what no row tells is laid on their mean.
        """
        if self.spaces:
            own = self.spaces.from_spline(self.coefficients, self.intervals)
            basis = design(
                self.spaces.on_knots(x),
                self.low,
                self.high,
                self.intervals,
                self.outside,
            )
            mean = self.spaces.turned(basis, self.intervals).mean(0)
            own = self.spaces.settled(own, mean)
            self.coefficients.copy_(self.spaces.to_spline(own, self.intervals))

    @torch.no_grad()
    def start_noise(self, generator: torch.Generator, size: float) -> None:
        """Start as the published code does: near-zero noise, random base slopes."""
        n_inputs, n_outputs = self.mask.shape
        # pykan's noise_scale (u - 1/2) / G with u uniform on 0..1.
        spread = 0.5 * size / self.intervals
        shape = tuple(self.coefficients.shape)
        self.coefficients.copy_(uniform(generator, shape, spread))
        self.coefficients.div_(n_inputs**0.5)
        if self.slope is not None:
            bound = n_inputs**-0.5
            self.slope.copy_(uniform(generator, (n_inputs, n_outputs), bound))
