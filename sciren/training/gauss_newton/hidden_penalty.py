"""Penalties of an encoder with one hidden layer: bending of both layers, and a ridge.

    inner:  f' S f a node, S = smooth_inner * (integral of f''^2) + ridge
    outer:  smooth_outer * o' B o / spacing^3 + ridge * |o|^2

with the integral of the outer f''^2 in units of the knot distance of its index.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.splines import roughness_matrix
from sciren.training.gauss_newton.additive import RIDGE
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.index_curves import Index


@dataclass(frozen=True, eq=False)
class HiddenPenalty:
    """Quadratic penalties of S members, L latents and H nodes a latent.

    Attributes:
        inner: (p, p) S.
        gram: (p, p) of the inner columns, in which the scale of an index is measured.
        bending: (M, M) B.
        intervals: of the outer knots.
        smooth_outer: weight of the outer bending.
    """

    inner: Tensor
    gram: Tensor
    bending: Tensor
    intervals: int
    smooth_outer: float

    @classmethod
    def of(
        cls,
        spline: SplineDesign,
        gram: Tensor,
        intervals: int,
        smooth_inner: float,
        smooth_outer: float,
    ) -> "HiddenPenalty":
        """Weigh the bending of a spline design and of outer splines."""
        inner = smooth_inner * spline.penalty + RIDGE * torch.eye(spline.width).to(
            spline.penalty
        )
        if spline.ridge is not None:
            inner = inner + spline.ridge
        bending = roughness_matrix(intervals, spline.penalty.dtype)
        bending = bending.to(spline.scaled.device)
        return cls(inner, gram, bending, intervals, smooth_outer)

    def value(self, inner: Tensor, outer: Tensor, index: Index) -> Tensor:
        """Return the sum of all penalties (S,).

        Args:
            inner: (S, L, H, p);  outer: (S, L, H, M);  index: whose range lays the knots.
        """
        bent = torch.einsum("slhp,pq,slhq->s", inner, self.inner, inner)
        bend = torch.einsum("slhm,mk,slhk->slh", outer, self.bending, outer)
        outside = (self._weight(index) * bend).sum((1, 2))
        return bent + outside + RIDGE * outer.pow(2).sum((1, 2, 3))

    def _weight(self, index: Index) -> Tensor:
        """Weight (S, L, H) of the outer bending."""
        spacing = (index.high - index.low).squeeze(1) / self.intervals
        return self.smooth_outer / spacing**3

    def terms(
        self, inner: Tensor, outer: Tensor, index: Index, data: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gradient (S, P) and matrix (S, P, P), and a stiff pin of each index's scale.

        Args:
            inner, outer, index: as in `value`.
            data: (S, P, P) normal matrix, all inner columns, then all outer, then others;
                its size says how stiff a pin has to be.
        """
        members, latents, nodes, width = inner.shape
        wide = outer.shape[-1]
        gradient, matrix = data.new_zeros(data.shape[:2]), torch.zeros_like(data)
        pull = inner @ self.inner
        # Scaling an index and stretching its outer spline changes nothing, so the matrix is
        # singular along it: a stiff pin takes the direction out of the step.
        pins = inner @ self.gram
        ridge = RIDGE * torch.eye(wide).to(data)
        weight = self._weight(index)
        for node in range(latents * nodes):
            k, h = divmod(node, nodes)
            a = slice(node * width, (node + 1) * width)
            start = latents * nodes * width + node * wide
            b = slice(start, start + wide)
            stiff = data[:, a, a].diagonal(dim1=1, dim2=2).sum(1)
            # Gradient of half the index's variance, G f: the direction in which only
            # its scale grows.
            pin = pins[:, k, h]
            size = (stiff / pin.pow(2).sum(1).clamp_min(1e-300)).view(members, 1, 1)
            gradient[:, a] = pull[:, k, h]
            matrix[:, a, a] = self.inner + size * pin.unsqueeze(2) * pin.unsqueeze(1)
            bend = weight[:, k, h].view(members, 1, 1) * self.bending + ridge
            matrix[:, b, b] = bend
            gradient[:, b] = (bend @ outer[:, k, h].unsqueeze(-1)).squeeze(-1)
        return gradient, matrix
