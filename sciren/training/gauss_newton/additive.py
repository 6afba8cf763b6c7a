"""One-layer spline encoders as a least-squares problem for many members at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.solvers.effort import Effort
from sciren.solvers.levenberg import Normal, hold
from sciren.solvers.normal_equations import Sums
from sciren.solvers.process_term import LocalModel, ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from sciren.training.gauss_newton.design import SplineDesign, chunks

# Holds directions that no row sees, such as the constant of a centred edge. With 1e-8 and no
# smoothing Cholesky failed on a fit of one feature.
RIDGE = 1e-7


class AdditiveProblem:
    """raw_l = shift_l + scale_l (b_l + sum_i f_li(x_i)), latents through the process.

    theta of one member: for each latent its intercept and spline coefficients, then
    the constants on their training scale.

    Args:
        term: observed loss.
        spline: centred basis of the rows of the term.
        smooth: weight of the integral of f''^2 of every edge.
    """

    # As many rows as `sciren.inference.minima` walks on: valleys are as wide on any sample.
    profile_effort = Effort(rows=3_000, steps=8, tolerance=1e-6)

    def __init__(self, term: ProcessTerm, spline: SplineDesign, smooth: float) -> None:
        self.term, self.spline = term, spline
        model = term.model
        self.shift = model.output_shift.detach().clone()
        self.scale = model.output_scale.detach().clone()
        self.block = 1 + spline.width
        self.n_latents, self.n_constants = term.n_latents, term.n_constants
        self.size = self.n_latents * self.block + self.n_constants
        self.penalty = self._penalty(smooth)
        low, high = model.constant_scale.box()
        device = spline.scaled.device
        self.low, self.high = low.to(device), high.to(device)
        self.active = torch.ones(1, self.size, dtype=torch.bool, device=device)

    def _penalty(self, smooth: float) -> Tensor:
        spline = self.spline
        eye = torch.eye(spline.width, dtype=spline.penalty.dtype).to(spline.penalty)
        inner = smooth * spline.penalty + RIDGE * eye
        if spline.ridge is not None:
            inner = inner + spline.ridge
        # An intercept first, which nothing bends: only curves are penalised.
        per_latent = torch.block_diag(torch.zeros(1, 1).to(inner), inner)
        constants = torch.zeros(self.n_constants, self.n_constants).to(inner)
        return torch.block_diag(*[per_latent] * self.n_latents, constants)

    # -- members --------------------------------------------------------------------
    def with_active(self, active: Tensor) -> "AdditiveProblem":
        """Return the problem in which only some parameters (S, P) may move."""
        return self._changed(active=active)

    def with_term(self, term: ProcessTerm) -> "AdditiveProblem":
        """Return the problem with another observed loss on the same rows."""
        return self._changed(term=term)

    def with_penalty(self, penalty: Tensor) -> "AdditiveProblem":
        """Return the problem with another quadratic penalty theta' (P, P) theta."""
        return self._changed(penalty=penalty)

    def smoothed(self, share: float) -> "AdditiveProblem":
        """Return the problem whose penalties weigh `share` as much beside the mean loss.

        A penalty that was chosen beside one sum of squares keeps its meaning beside
        another when it follows the size of the loss: as rows are added (1 / share times as
        many), or as weights lower the mean square of the same residuals.
        Reference: Wahba 1990, section 1.5 (smoothness as the prior of a curve).
        """
        # The ridge only holds directions without rows: it is numerics, not a belief.
        ridge = torch.diag(RIDGE * (self.penalty.diagonal() > 0).to(self.penalty))
        return self.with_penalty(share * (self.penalty - ridge) + ridge)

    def on_rows(self, rows: Tensor) -> "AdditiveProblem":
        """Return the problem on some of its rows (positions)."""
        return self._changed(term=self.term.take(rows), spline=self.spline.take(rows))

    def elsewhere(self, term: ProcessTerm, spline: SplineDesign) -> "AdditiveProblem":
        """Return the problem on other rows, whose design is centred alike."""
        return self._changed(term=term, spline=spline)

    def _changed(self, **changes: object) -> "AdditiveProblem":
        other = object.__new__(AdditiveProblem)
        other.__dict__.update(self.__dict__ | changes)
        return other

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.spline.n_features

    def mask_of(self, edges: Tensor) -> Tensor:
        """Turn kept edges (S, d, L) bool into active parameters (S, P)."""
        width = self.spline.width // self.n_features
        wide = edges.transpose(1, 2).repeat_interleave(width, dim=2)  # (S, L, d m)
        # Levels and constants are always free; a dropped edge holds all its
        # coefficients.
        head = torch.ones_like(wide[..., :1])
        latents = torch.cat((head, wide), dim=2).flatten(1)
        tail = torch.ones_like(latents[:, :1]).expand(-1, self.n_constants)
        return torch.cat((latents, tail), dim=1)

    # -- evaluation -----------------------------------------------------------------
    def split(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return coefficients (S, L, 1 + d m) and raw constants (S, K)."""
        cut = self.n_latents * self.block
        return theta[:, :cut].unflatten(1, (self.n_latents, self.block)), theta[:, cut:]

    def raw(self, theta: Tensor) -> Tensor:
        """Raw latents (S, n, L) on the rows of the term."""
        return self.raw_at(theta, self.spline)

    def raw_at(self, theta: Tensor, spline: SplineDesign) -> Tensor:
        """Raw latents (S, n, L) on the rows of a design that is centred alike."""
        return self.shift + self.scale * spline.times(self.split(theta)[0])

    def curves(self, theta: Tensor) -> Tensor:
        """Coefficients (S, J, d m) of the first-layer nodes."""
        return self.split(theta)[0][..., 1:]

    def constants_of(self, theta: Tensor) -> Tensor:
        """Raw constants (S, K)."""
        return self.split(theta)[1]

    def penalties(self, theta: Tensor) -> Tensor:
        """Return what penalties add to the matrix (P, P)."""
        return self.penalty

    def _penalised(self, theta: Tensor) -> Tensor:
        return torch.einsum("sp,pq,sq->s", theta, self.penalty, theta)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss plus smoothness (S,)."""
        coefficients, constants = self.split(theta)
        loss = self._penalised(theta)
        # Memory mixes rows: whole columns are whitened, not one part after the other.
        if isinstance(self.term, WhitenedTerm):
            return loss + self.term.loss(self.raw(theta), constants, members)
        for part in chunks(self.term.n_rows, self._numbers(len(theta))):
            raw = self._raw(self.spline.columns(part), coefficients)
            loss = loss + self.term.part(part).loss(raw, constants, members)
        return loss

    def _numbers(self, members: int) -> int:
        """Numbers that an evaluation of the loss takes for each row."""
        # Columns that are kept cost no memory; those made anew do.
        made = self.block if self.spline.kept is None else 0
        return max(made, 8 * members * (self.n_latents + self.n_constants))

    def _raw(self, columns: Tensor, coefficients: Tensor) -> Tensor:
        """Raw latents (S, m, L) of the rows of some columns (m, 1 + d m)."""
        flat = coefficients.flatten(0, 1) @ columns.mT
        values = flat.unflatten(0, coefficients.shape[:2]).mT
        return self.shift + self.scale * values

    def terms(self, theta: Tensor) -> dict[str, float]:
        """Every term of the loss of one member, theta (1, P)."""
        terms = self.term.terms(self.raw(theta), self.split(theta)[1])
        return terms | {"smooth": float(self._penalised(theta))}

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations."""
        normal = self._observed_normal(theta, members)
        # theta' R theta: half gradient R theta, matrix R.
        pull = theta @ self.penalty
        full = Normal(
            normal.loss + (pull * theta).sum(1),
            normal.gradient + pull,
            normal.matrix + self.penalty,
        )
        active = self.active if len(self.active) == 1 else self.active[members]
        return hold(full, active)

    def _observed_normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations without the penalty."""
        coefficients, constants = self.split(theta)
        if isinstance(self.term, WhitenedTerm):
            wide = [d.expand(len(theta), -1, -1) for d in self._designs()]
            return self.term.normal(self.raw(theta), constants, members, wide)
        widths = [self.block] * self.n_latents
        sums = Sums(len(theta), widths, self.n_constants, theta)
        for part in chunks(self.term.n_rows, len(theta) * self.block):
            self._add_rows(sums, coefficients, constants, part, members)
        return sums.normal()

    def _designs(self) -> list[Tensor]:
        """d(raw latent)/d(its coefficients) of all rows, (n, 1 + d m) for each latent."""
        columns = self.spline.columns(slice(None))
        return [scale * columns for scale in self.scale]

    def _add_rows(
        self,
        sums: Sums,
        coefficients: Tensor,
        constants: Tensor,
        part: slice | Tensor,
        members: Tensor,
    ) -> None:
        """Add some of the rows to the normal equations."""
        columns = self.spline.columns(part)
        raw = self._raw(columns, coefficients)
        local = self.term.part(part).local(raw, constants, members)
        # d raw_l / d coefficients_l = scale_l columns: every latent has the same
        # design.
        sums.add(local.scaled(self.scale), [columns] * self.n_latents)

    def scores(self, theta: Tensor) -> Tensor:
        """Sum over the rows of the products of their half gradients, theta (1, P): (P, P).

        A^-1 of it A^-1, with A of `normal`, is the covariance of the parameters whatever
        the noise of each row, where rows are independent. Reference: White 1980.
        """
        coefficients, constants = self.split(theta)
        widths = [self.block] * self.n_latents
        sums = Sums(1, widths, self.n_constants, theta)
        member = torch.zeros(1, dtype=torch.long, device=theta.device)
        for part in chunks(self.term.n_rows, self.block):
            columns = self.spline.columns(part)
            raw = self._raw(columns, coefficients)
            slope = (
                self.term.part(part).local(raw, constants, member).scaled(self.scale)
            )
            outer = slope.gradient.unsqueeze(-1) * slope.gradient.unsqueeze(-2)
            # g g' of each row in the place of its curvature: the same sums then give S.
            squares = LocalModel(slope.loss, slope.gradient, outer)
            sums.add(squares, [columns] * self.n_latents)
        return sums.normal().matrix[0]

    def normals_of(self, theta: Tensor, parts: Sequence[Tensor]) -> list[Normal]:
        """Shares of sets of rows (positions) in the normal equations of theta (1, P)."""
        if isinstance(self.term, WhitenedTerm):
            raw, constants = self.raw(theta), self.split(theta)[1]
            return self.term.normals_of_parts(raw, constants, self._designs(), parts)
        widths = [self.block] * self.n_latents
        member = torch.zeros(1, dtype=torch.long, device=theta.device)
        normals = []
        for rows in parts:
            sums = Sums(1, widths, self.n_constants, theta)
            self._add_rows(sums, *self.split(theta), rows, member)
            # Without penalties and nothing held: both belong to the whole, not to a
            # block.
            normals.append(sums.normal())
        return normals

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Hold the constants inside their bounds."""
        cut = self.n_latents * self.block
        constants = trial[:, cut:].clamp(self.low, self.high)
        return torch.cat((trial[:, :cut], constants), dim=1)

    # -- to and from the encoder ----------------------------------------------------
    @torch.no_grad()
    def store(self, theta: Tensor, edges: Tensor | None = None) -> None:
        """Write one member (P,) into the model's encoder and constants.

        Args:
            edges: (d, L) bool, kept edges; default all.
        """
        model = self.term.model
        if not isinstance(model.encoder, KANEncoder):
            raise TypeError(f"cannot store into a {type(model.encoder).__name__}")
        layer = model.encoder.spline_layers[0]
        coefficients, constants = self.split(theta.unsqueeze(0))
        shape = (self.n_latents, self.n_features, -1)
        curves = coefficients[0, :, 1:].reshape(shape).transpose(0, 1)
        mean = self.spline.mean.reshape(self.n_features, 1, -1)
        layer.mask.fill_(1.0)
        if edges is not None:
            layer.mask.copy_(edges)
            curves = curves * edges.unsqueeze(-1)
        layer.coefficients.copy_(self.spline.knots.to_spline(curves))
        # Curves that end at zero outside their knots cannot hold an offset.
        layer.bias.copy_(coefficients[0, :, 0] - (curves * mean).sum((0, 2)))
        if layer.slope is not None:
            layer.slope.zero_()
        model.constant_raw.copy_(constants[0])
