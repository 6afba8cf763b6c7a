"""One-layer spline encoders as a least-squares problem for many members at once."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.splines import design, roughness_matrix
from sciren.training.assembly import assemble
from sciren.training.effort import Effort
from sciren.training.levenberg import Normal, hold
from sciren.training.process_term import ProcessTerm

RIDGE = 1e-7  # keeps directions that no row sees, such as constants of an edge


@dataclass(frozen=True)
class SplineDesign:
    """Centred spline basis of scaled features for one layer.

    Attributes:
        matrix: (n, d * m) basis, centred on the training rows, m functions a feature.
        mean: (d * m,) what was subtracted.
        penalty: (d * m, d * m) with c' penalty c = sum of integral f''^2 over features.
        n_features: d.
    """

    matrix: Tensor
    mean: Tensor
    penalty: Tensor
    n_features: int

    @classmethod
    def of(
        cls,
        encoder: KANEncoder,
        scaled: Tensor,
        mean: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> "SplineDesign":
        """Build it for scaled features (n, d); `mean` of the training rows if given."""
        layer = encoder.spline_layers[0]
        grid = (layer.low, layer.high, layer.intervals, layer.outside)
        full = design(scaled, *grid).flatten(1)
        if mean is None:
            share = torch.ones_like(full[:, 0]) if weights is None else weights
            mean = (share / share.sum()) @ full
        spacing = (layer.high - layer.low) / layer.intervals
        base = roughness_matrix(layer.intervals, scaled.dtype).to(scaled.device)
        blocks = [base / h**3 for h in spacing]
        return cls(full - mean, mean, torch.block_diag(*blocks), len(blocks))

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.matrix.shape[1]


class AdditiveProblem:
    """raw_l = shift_l + scale_l (b_l + sum_i f_li(x_i)), latents through the process.

    theta of one member: for each latent its intercept and spline coefficients, then
    the constants on their training scale.

    Args:
        term: observed loss.
        spline: centred basis of the rows of the term.
        smooth: weight of the integral of f''^2 of every edge.
    """

    profile_effort = Effort(rows=8_000, steps=20, tolerance=1e-7)

    def __init__(self, term: ProcessTerm, spline: SplineDesign, smooth: float) -> None:
        self.term, self.spline = term, spline
        model = term.model
        self.shift = model.output_shift.detach().clone()
        self.scale = model.output_scale.detach().clone()
        self.block = 1 + spline.width
        self.n_latents, self.n_constants = term.n_latents, term.n_constants
        self.size = self.n_latents * self.block + self.n_constants
        ones = torch.ones_like(spline.matrix[:, :1])
        self.columns = torch.cat((ones, spline.matrix), dim=1)
        self.penalty = self._penalty(smooth)
        low, high = model.constant_scale.box()
        device = self.columns.device
        self.low, self.high = low.to(device), high.to(device)
        self.active = torch.ones(1, self.size, dtype=torch.bool, device=device)

    def _penalty(self, smooth: float) -> Tensor:
        spline = self.spline
        eye = torch.eye(spline.width, dtype=spline.penalty.dtype).to(spline.penalty)
        inner = smooth * spline.penalty + RIDGE * eye
        one = torch.block_diag(torch.zeros(1, 1).to(inner), inner)
        constants = torch.zeros(self.n_constants, self.n_constants).to(inner)
        return torch.block_diag(*[one] * self.n_latents, constants)

    # -- members --------------------------------------------------------------------
    def with_active(self, active: Tensor) -> "AdditiveProblem":
        """Return the problem in which only some parameters (S, P) may move."""
        return self._changed(active=active)

    def with_term(self, term: ProcessTerm) -> "AdditiveProblem":
        """Return the problem with another observed loss on the same rows."""
        return self._changed(term=term)

    def on_rows(self, rows: Tensor) -> "AdditiveProblem":
        """Return the problem on some of its rows (positions)."""
        part = {"term": self.term.take(rows), "columns": self.columns[rows]}
        return self._changed(**part, spline=smaller(self.spline, rows))

    def _changed(self, **changes: object) -> "AdditiveProblem":
        other = object.__new__(AdditiveProblem)
        other.__dict__.update(self.__dict__ | changes)
        return other

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.term.model.encoder.n_inputs

    def mask_of(self, edges: Tensor) -> Tensor:
        """Turn kept edges (S, d, L) bool into active parameters (S, P)."""
        width = self.spline.width // self.n_features
        wide = edges.transpose(1, 2).repeat_interleave(width, dim=2)  # (S, L, d m)
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
        coefficients, _ = self.split(theta)
        return self.shift + self.scale * (self.columns @ coefficients.mT)

    def raw_at(self, theta: Tensor, matrix: Tensor) -> Tensor:
        """Raw latents (S, n, L) on other rows, given their centred basis."""
        coefficients, _ = self.split(theta)
        values = matrix @ coefficients[..., 1:].mT + coefficients[..., 0].unsqueeze(1)
        return self.shift + self.scale * values

    def constants_of(self, theta: Tensor) -> Tensor:
        """Raw constants (S, K)."""
        return self.split(theta)[1]

    def _penalised(self, theta: Tensor) -> Tensor:
        return torch.einsum("sp,pq,sq->s", theta, self.penalty, theta)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss plus smoothness (S,)."""
        observed = self.term.loss(self.raw(theta), self.split(theta)[1], members)
        return observed + self._penalised(theta)

    def terms(self, theta: Tensor) -> dict[str, float]:
        """Every term of the loss of one member, theta (1, P)."""
        found = self.term.terms(self.raw(theta), self.split(theta)[1])
        return found | {"smooth": float(self._penalised(theta))}

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations."""
        local = self.term.local(self.raw(theta), self.split(theta)[1], members)
        designs = [self.columns * scale for scale in self.scale]
        normal = assemble(local, designs)
        pull = theta @ self.penalty
        full = Normal(
            normal.loss + (pull * theta).sum(1),
            normal.gradient + pull,
            normal.matrix + self.penalty,
        )
        active = self.active if len(self.active) == 1 else self.active[members]
        return hold(full, active)

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
        layer.coefficients.copy_(curves)
        # Curves that end at zero outside their knots cannot hold an offset.
        layer.bias.copy_(coefficients[0, :, 0] - (curves * mean).sum((0, 2)))
        if layer.slope is not None:
            layer.slope.zero_()
        model.constant_raw.copy_(constants[0])


def smaller(spline: SplineDesign, rows: Tensor) -> SplineDesign:
    """Return the design on some rows, centred as before."""
    return replace(spline, matrix=spline.matrix[rows])
