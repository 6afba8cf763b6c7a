"""One hidden layer: outer splines of additive indices, by variable projection.

    raw_l = shift_l + scale_l sum_h O_lh(s_lh),   s_lh = sum_i f_lhi(x_i), sd(s) = 1

Every trial step renormalises the indices, lays the outer knots on their new range,
carries the outer splines over and solves them anew with the inner splines held; where
the targets are linear in the latents that solve is exact (variable projection),
elsewhere it is one safeguarded Gauss-Newton step.

Reference: Golub and Pereyra 1973; Kaufman 1975 for the simplified Jacobian.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.kernels.window import Knots, window
from sciren.solvers.effort import Effort
from sciren.solvers.levenberg import Normal, hold
from sciren.solvers.normal_equations import Sums
from sciren.solvers.process_term import ProcessTerm
from sciren.splines import n_coefficients
from sciren.training.gauss_newton.design import SplineDesign, chunks
from sciren.training.gauss_newton.hidden_layer import write_hidden_layer
from sciren.training.gauss_newton.hidden_penalty import HiddenPenalty
from sciren.training.gauss_newton.index_curves import (
    Index,
    OuterBasis,
    Unpacked,
    carried,
    range_of,
)

# Shares of a step of the outer splines, tried in turn. Where the targets are linear in the
# latents the whole step is exact; the shorter ones guard processes that are not.
STEPS = (1.0, 0.25, 0.06)


class HiddenProblem:
    """Least-squares problem of an encoder with one hidden layer, for S members.

    Args:
        term: observed loss.
        spline: centred inner basis on the rows of the term.
        nodes: hidden nodes for each latent.
        intervals: knots of the outer splines.
        smooth_inner, smooth_outer: weights of the integrals of f''^2.
    """

    profile_effort = Effort(rows=3_000, steps=6, tolerance=1e-5)

    def __init__(
        self,
        term: ProcessTerm,
        spline: SplineDesign,
        nodes: int,
        intervals: int,
        smooth_inner: float,
        smooth_outer: float,
    ) -> None:
        model = term.model
        self.term, self.spline = term, spline
        self.nodes, self.intervals = nodes, intervals
        self.smooth_inner, self.smooth_outer = smooth_inner, smooth_outer
        self.n_latents, self.n_constants = term.n_latents, term.n_constants
        self.shift = model.output_shift.detach().clone()
        self.scale = model.output_scale.detach().clone()
        self.outer_width = n_coefficients(intervals)
        self.cut = self.n_latents * nodes * spline.width
        self.end = self.cut + self.n_latents * nodes * self.outer_width
        self.size = self.end + self.n_constants
        self.gram = spline.gram()
        self.penalty = HiddenPenalty.of(
            spline, self.gram, intervals, smooth_inner, smooth_outer
        )
        device = spline.scaled.device
        low, high = model.constant_scale.box()
        self.low, self.high = low.to(device), high.to(device)
        self.active = torch.ones(1, self.size, dtype=torch.bool, device=device)
        # `retract` has evaluated the point that the minimiser asks for next.
        self._known: tuple[Tensor, Tensor] | None = None  # retracted points, losses

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.spline.n_features

    def with_active(self, active: Tensor) -> "HiddenProblem":
        """Return the problem in which only some parameters (S, P) may move."""
        return self._changed(active=active)

    def with_term(self, term: ProcessTerm) -> "HiddenProblem":
        """Return the problem with another observed loss on the same rows."""
        return self._changed(term=term)

    def on_rows(self, rows: Tensor) -> "HiddenProblem":
        """Return the problem on some of its rows (positions)."""
        return self.elsewhere(self.term.take(rows), self.spline.take(rows))

    def elsewhere(self, term: ProcessTerm, spline: SplineDesign) -> "HiddenProblem":
        """Return the problem on other rows, whose design is centred alike."""
        return self._anew(term, spline, (1.0, 1.0))

    def smoothed(self, share: float) -> "HiddenProblem":
        """Return the problem whose bending weighs `share` as much; see AdditiveProblem."""
        return self._anew(self.term, self.spline, (share, share))

    def stiffened(self, factor: float) -> "HiddenProblem":
        """Return the problem of this times the outer bending; the inner follows its root."""
        return self._anew(self.term, self.spline, (factor**0.5, factor))

    def _anew(
        self, term: ProcessTerm, spline: SplineDesign, shares: tuple[float, float]
    ) -> "HiddenProblem":
        smooth = shares[0] * self.smooth_inner, shares[1] * self.smooth_outer
        part = HiddenProblem(term, spline, self.nodes, self.intervals, *smooth)
        return part.with_active(self.active)

    def _changed(self, **changes: object) -> "HiddenProblem":
        other = object.__new__(HiddenProblem)
        other.__dict__.update(self.__dict__ | {"_known": None} | changes)
        return other

    def mask_of(self, edges: Tensor) -> Tensor:
        """Turn kept inner edges (S, d, L * H) into active parameters (S, P)."""
        width = self.spline.width // self.n_features
        # Outer splines and constants are always free.
        wide = edges.transpose(1, 2).repeat_interleave(width, dim=2).flatten(1)
        others = torch.ones_like(wide[:, :1]).expand(-1, self.size - self.cut)
        return torch.cat((wide, others), dim=1)

    # -- layout ---------------------------------------------------------------------
    def unpack(self, theta: Tensor) -> Unpacked:
        """Split theta (S, P) into its parts."""
        shape = (self.n_latents, self.nodes)
        inner = theta[:, : self.cut].unflatten(1, (*shape, self.spline.width))
        outer = theta[:, self.cut : self.end].unflatten(1, (*shape, self.outer_width))
        return Unpacked(inner, outer, theta[:, self.end :])

    def pack(self, inner: Tensor, outer: Tensor, constants: Tensor) -> Tensor:
        """Join the parts into theta (S, P), indices normalised to deviation one."""
        # An index times two with an outer curve half as wide is the same model:
        # deviation one takes that freedom away.
        inner = inner / self._deviation(inner).unsqueeze(-1)
        return torch.cat((inner.flatten(1), outer.flatten(1), constants), dim=1)

    def _deviation(self, inner: Tensor) -> Tensor:
        """Deviation (S, L, H) of every index over the rows."""
        # c' G c with the Gram matrix of the centred columns: no index is evaluated. A
        # flat one may come out below zero by rounding.
        squares = torch.einsum("slhp,pq,slhq->slh", inner, self.gram, inner)
        return squares.clamp_min(0).sqrt().clamp_min(1e-12)

    def index(self, inner: Tensor) -> Index:
        """Indices of the rows of the term and their range."""
        value = self._values(self.spline, inner)
        return Index(value, *range_of(value))

    def _values(self, spline: SplineDesign, inner: Tensor) -> Tensor:
        values = spline.times(inner.flatten(1, 2))
        return values.unflatten(-1, (self.n_latents, self.nodes))

    def raw_at(self, theta: Tensor, spline: SplineDesign) -> Tensor:
        """Raw latents (S, n, L) on the rows of a design that is centred alike."""
        parts = self.unpack(theta)
        indices_here = self.index(parts.inner)
        # Knots of the training range also on other rows: they belong to the model.
        value = self._values(spline, parts.inner)
        return self._raw(indices_here._replace(value=value), parts.outer)

    def curves(self, theta: Tensor) -> Tensor:
        """Coefficients (S, J, d m) of the first-layer nodes."""
        return self.unpack(theta).inner.flatten(1, 2)

    def constants_of(self, theta: Tensor) -> Tensor:
        """Raw constants (S, K)."""
        return theta[:, self.end :]

    # -- evaluation -----------------------------------------------------------------
    def _outer_basis(self, index: Index) -> OuterBasis:
        """Which outer coefficients count at every row, and how much."""
        low, high = index.low.flatten(), index.high.flatten()
        knots = Knots.of(low, high, self.intervals, "linear")
        value = index.value.permute(0, 2, 3, 1)  # (S, L, H, m)
        local = window(value.flatten(0, 2), knots)
        return OuterBasis(local, knots, value.shape[:3])

    def _raw(self, index: Index, outer: Tensor) -> Tensor:
        """Raw latents (S, m, L)."""
        values = self._outer_basis(index).values(outer)
        return self.shift + self.scale * values.sum(2).mT

    def _penalty(self, parts: Unpacked, index: Index) -> Tensor:
        return self.penalty.value(parts.inner, parts.outer, index)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss plus smoothness (S,)."""
        if self._known is not None and self._known[0] is theta:
            return self._known[1]
        return self._loss(theta, self.index(self.unpack(theta).inner), members)

    def _loss(self, theta: Tensor, index: Index, members: Tensor) -> Tensor:
        parts = self.unpack(theta)
        loss = self._penalty(parts, index)
        numbers = len(theta) * self.n_latents * (8 + 8 * self.nodes)
        for part in chunks(self.term.n_rows, numbers):
            raw = self._raw(index.rows(part), parts.outer)
            loss = loss + self.term.part(part).loss(raw, parts.constants, members)
        return loss

    def terms(self, theta: Tensor) -> dict[str, float]:
        """Every term of the loss of one member, theta (1, P)."""
        parts = self.unpack(theta)
        index = self.index(parts.inner)
        terms = self.term.terms(self._raw(index, parts.outer), parts.constants)
        return terms | {"smooth": float(self._penalty(parts, index))}

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations of inner and outer splines and constants."""
        parts = self.unpack(theta)
        index = self.index(parts.inner)
        each = self.nodes * (self.spline.width + self.outer_width)
        sums = Sums(len(theta), [each] * self.n_latents, self.n_constants, theta)
        for part in chunks(self.term.n_rows, len(theta) * each):
            self._add_rows(sums, parts, index.rows(part), part, members)
        normal = self._sorted(sums.normal())
        gradient, matrix = self.penalty.terms(
            parts.inner, parts.outer, index, normal.matrix
        )
        full = Normal(
            normal.loss + self._penalty(parts, index),
            normal.gradient + gradient,
            normal.matrix + matrix,
        )
        return hold(full, self._active(members))

    def penalties(self, theta: Tensor) -> Tensor:
        """Return what penalties add to the matrix (P, P) at theta (1, P)."""
        parts, rows = self.unpack(theta), torch.arange(self.term.n_rows)
        data = self.normals_of(theta, [rows.to(theta.device)])[0].matrix
        index = self.index(parts.inner)
        return self.penalty.terms(parts.inner, parts.outer, index, data)[1][0]

    def _add_rows(
        self,
        sums: Sums,
        parts: Unpacked,
        index: Index,
        part: slice | Tensor,
        members: Tensor,
    ) -> None:
        """Add some of the rows to the normal equations."""
        outer = self._outer_basis(index)
        values, steep = outer.values(parts.outer), outer.steep(parts.outer)
        raw = self.shift + self.scale * values.sum(2).mT
        columns = self.spline.columns(part)[:, 1:].mT
        local = self.term.part(part).local(raw, parts.constants, members)
        cut, wide = self.nodes * self.spline.width, self.nodes * self.outer_width
        designs = []
        for k in range(self.n_latents):
            full = raw.new_empty(len(raw), cut + wide, raw.shape[1])
            inner = full[:, :cut].unflatten(1, (self.nodes, -1))
            # d raw / d inner = O'(s) times the inner columns; d raw / d outer = its
            # basis at s.
            torch.mul(steep[:, k].unsqueeze(2), columns, out=inner)
            outer.fill(full[:, cut:], k)
            designs.append(full.mT)
        sums.add(local.scaled(self.scale), designs)

    def normals_of(self, theta: Tensor, sets: Sequence[Tensor]) -> list[Normal]:
        """Shares of sets of rows (positions) in the normal equations of theta (1, P)."""
        parts = self.unpack(theta)
        index = self.index(parts.inner)
        widths = [self.nodes * (self.spline.width + self.outer_width)] * self.n_latents
        member = torch.zeros(1, dtype=torch.long, device=theta.device)
        normals = []
        for rows in sets:
            sums = Sums(1, widths, self.n_constants, theta)
            self._add_rows(sums, parts, index.rows(rows), rows, member)
            normals.append(self._sorted(sums.normal()))
        return normals

    def _active(self, members: Tensor) -> Tensor:
        return self.active if len(self.active) == 1 else self.active[members]

    def _sorted(self, normal: Normal) -> Normal:
        """Reorder from latent by latent to all inner, all outer, constants."""
        inner, outer = self.nodes * self.spline.width, self.nodes * self.outer_width
        each = inner + outer
        place = torch.arange(self.n_latents * each).reshape(self.n_latents, each)
        order = torch.cat(
            (
                place[:, :inner].flatten(),
                place[:, inner:].flatten(),
                torch.arange(self.end, self.size),
            )
        ).to(normal.gradient.device)
        matrix = normal.matrix[:, order][:, :, order]
        return Normal(normal.loss, normal.gradient[:, order], matrix)

    def taken_over(self, theta: Tensor, old: "HiddenProblem") -> Tensor:
        """Carry points (S, P) of the same model on other rows or outer knots over.

        The outer splines keep their curves as far as the new knots allow and are then
        solved on the rows of this problem.
        """
        parts = old.unpack(theta)
        old_index = old.index(parts.inner)
        sd = self._deviation(parts.inner)
        inner = parts.inner / sd.unsqueeze(-1)
        units = sd.unsqueeze(1)  # the old knots in the new units of the index
        old_index = old_index._replace(
            low=old_index.low / units, high=old_index.high / units
        )
        outer = carried(
            parts.outer, old_index, self.index(inner), old.intervals, self.intervals
        )
        pieces = (inner.flatten(1), outer.flatten(1), parts.constants)
        moved = torch.cat(pieces, dim=1)
        return self.solve_outer(moved, torch.arange(len(moved), device=moved.device))

    # -- variable projection --------------------------------------------------------
    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Normalise the indices, move the outer knots, solve the outer splines."""
        before, after = self.unpack(theta), self.unpack(trial)
        old = self.index(before.inner)
        constants = after.constants.clamp(self.low, self.high)
        # The outer knots span the range of the index, which moves with every step: the
        # outer curves are carried over to the new knots, then solved anew.
        moved = self.pack(after.inner, after.outer, constants)
        inner = self.unpack(moved).inner
        outer = carried(after.outer, old, self.index(inner), self.intervals)
        moved = torch.cat((moved[:, : self.cut], outer.flatten(1), constants), dim=1)
        return self.solve_outer(moved, members)

    def solve_outer(self, theta: Tensor, members: Tensor) -> Tensor:
        """One Gauss-Newton step of the outer splines, shortened where it does not gain."""
        parts = self.unpack(theta)
        index = self.index(parts.inner)
        each = self.nodes * self.outer_width
        sums = Sums(len(theta), [each] * self.n_latents, self.n_constants, theta)
        for part in chunks(self.term.n_rows, len(theta) * each):
            outer = self._outer_basis(index.rows(part))
            raw = self.shift + self.scale * outer.values(parts.outer).sum(2).mT
            local = self.term.part(part).local(raw, parts.constants, members)
            designs = []
            for k in range(self.n_latents):
                basis = raw.new_empty(len(raw), each, raw.shape[1])
                designs.append(outer.fill(basis, k).mT)
            sums.add(local.scaled(self.scale), designs)
        normal = sums.normal()
        nothing = theta.new_zeros(*theta.shape, theta.shape[1])
        gradient, penalty = self.penalty.terms(parts.inner, parts.outer, index, nothing)
        block = slice(self.cut, self.end)
        wide = self.end - self.cut
        # Only the block of the outer splines: inner ones and constants are held.
        matrix = normal.matrix[:, :wide, :wide] + penalty[:, block, block]
        slope = normal.gradient[:, :wide] + gradient[:, block]
        held = hold(Normal(normal.loss, slope, matrix), self._active(members)[:, block])
        # A member whose matrix is not definite keeps its outer splines.
        root, info = torch.linalg.cholesky_ex(held.matrix)
        delta = torch.cholesky_solve(held.gradient.unsqueeze(-1), root).squeeze(-1)
        delta = torch.where((info == 0).unsqueeze(-1), delta, torch.zeros_like(delta))
        loss = normal.loss + self._penalty(parts, index)
        return self._stepped(theta, index, delta, loss, members)

    def _stepped(
        self, theta: Tensor, index: Index, delta: Tensor, loss: Tensor, members: Tensor
    ) -> Tensor:
        """Take the step of the outer splines, or the first shorter one that gains."""
        moved, waiting = theta, torch.ones_like(loss, dtype=torch.bool)
        for share in STEPS:
            outer = theta[:, self.cut : self.end] - share * delta
            parts = (theta[:, : self.cut], outer, theta[:, self.end :])
            trial = torch.cat(parts, dim=1)
            reached = self._loss(trial, index, members)
            # A trial without a value compares as false: it is never taken, and the next
            # one is shorter.
            gains = waiting & (reached <= loss)
            moved = torch.where(gains.unsqueeze(-1), trial, moved)
            loss = torch.where(gains, reached, loss)
            waiting &= ~gains
            if not bool(waiting.any()):
                break
        # The solver asks for the loss at this very point next.
        self._known = (moved, loss)
        return moved

    @torch.no_grad()
    def store(self, theta: Tensor, edges: Tensor | None = None) -> None:
        """Write one member (P,) into the model, see `write_hidden_layer`."""
        parts = self.unpack(theta.unsqueeze(0))
        index, model = self.index(parts.inner), self.term.model
        write_hidden_layer(
            model, self.spline, parts.inner[0], parts.outer[0], index, edges
        )
        model.constant_raw.copy_(parts.constants[0])
