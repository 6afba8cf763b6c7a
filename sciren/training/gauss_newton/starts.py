"""Starting points of the solvers: constant latents, straight random indices."""

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.solvers.levenberg import minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.splines import greville
from sciren.start_values import short_of_bounds, start_latents
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.preparation import Prepared


class ConstantLatents(AdditiveProblem):
    """Latents without features, which stay where they have a slope."""

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Hold constants inside their bounds, and latents short of theirs."""
        trial = super().retract(trial, theta, members).clone()
        (after, _), (before, _) = self.split(trial), self.split(theta)
        now, then = (self.shift + self.scale * x[..., 0] for x in (before, after))
        kept = short_of_bounds(self.term.model, then, now)
        trial[:, : self.n_latents] = (kept - self.shift) / self.scale
        return trial


@torch.no_grad()
def start_constant(model: ScIReN, data: Prepared) -> None:
    """Lay the raw latents' origin on the start values, in the unit of the observations."""
    starts, unit = start_latents(model, data.train)
    model.output_shift.copy_(starts)
    model.output_scale.copy_(unit)


@torch.no_grad()
def fit_constant_latents(problem: AdditiveProblem) -> Tensor:
    """Fit latents without features and the constants: the null model, theta (1, P)."""
    # One intercept a latent: a problem of a few numbers, on all rows.
    null = ConstantLatents(problem.term, problem.spline.without_features(), 0.0)
    theta = torch.zeros(1, null.size, dtype=torch.float64, device=problem.low.device)
    if null.n_constants:
        theta[:, -null.n_constants :] = problem.term.model.constant_raw
    _check_finite(null, theta)
    intercepts, constants = null.split(minimise(null, theta, damping=1e-2).theta)
    result = theta.new_zeros(1, problem.size)
    blocks, into = problem.split(result)
    blocks[..., :1] = intercepts
    into.copy_(constants)
    return result


def _check_finite(problem: AdditiveProblem, theta: Tensor) -> None:
    """A search needs a start at which the process has values."""
    if bool(torch.isfinite(problem.loss(theta, torch.zeros(1, dtype=torch.long)))):
        return
    decoder = problem.term.model.decoder
    residual = problem.term.residual(problem.raw(theta), problem.constants_of(theta))
    lost = int((~torch.isfinite(residual)).any(2).sum())
    starts = ", ".join(
        f"{parameter.name} = {parameter.initial:g}" for parameter in decoder.parameters
    )
    raise TrainingError(
        f"decoder {decoder.name!r} gives no finite value in {lost} of "
        f"{problem.term.n_rows} training rows at the start ({starts}); give its "
        "parameters other start values, or drop these rows"
    )


@torch.no_grad()
def sensitivity_scale(term: ProcessTerm, raw: Tensor, constants: Tensor) -> Tensor:
    """Return for each latent the raw change that moves the targets by one deviation.

    Latents held between two bounds get at most half their straight range; those without
    effect on the targets keep one.

    Args:
        term: observed loss.
        raw: (1, n, L) raw latents;  constants: (1, K) on the training scale.
    """
    local = term.local(raw, constants, torch.zeros(1, dtype=torch.long))
    size = term.n_latents
    curvature = local.curvature[0, :, :size, :size].sum(0).diagonal()
    unit = term.model.output_scale
    flat = 1e-16 / unit.square()  # no slope at all, in the unit that the latents have
    # Curvature of the mean loss by raw: change z costs curvature z^2 = 1 at rsqrt.
    scale = torch.where(curvature > flat, curvature.clamp_min(flat).rsqrt(), unit)
    both = [constraint.needs == "both" for constraint in term.model.constraints]
    # 3 is half the straight range of the hard sigmoid: beyond it no slope leads back.
    limit = torch.where(torch.tensor(both).to(scale.device), 3.0, torch.inf)
    return torch.minimum(scale, limit)


@torch.no_grad()
def start_outputs(model: ScIReN, data: Prepared, violation: float) -> None:
    """Lay origin and scale of the raw latents on the start values (first-order)."""
    start_constant(model, data)
    if model.plain:
        # Plain regression: the mean is the best constant.
        model.output_shift.copy_(data.train.targets.nanmean(0))
    term = ProcessTerm(model, data.train, data.scale, violation)
    raw = model.output_shift.expand(1, len(data.train), -1)
    constants = model.constant_raw.detach().unsqueeze(0)
    if model.decoder.rowwise:
        model.output_scale.copy_(sensitivity_scale(term, raw, constants))


def straight_indices(
    problem: HiddenProblem, encoder: KANEncoder, count: int, seed: int
) -> Tensor:
    """Draw inner coefficients (count, L, H, p) of straight random directions."""
    generator = seeded(seed)
    layer = encoder.spline_layers[0]
    lines = greville(layer.low, layer.high, layer.intervals)  # (d, m)
    shape = (count, problem.n_latents, problem.nodes, problem.n_features, 1)
    directions = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (directions.to(lines.device) * lines).flatten(-2)


@torch.no_grad()
def hidden_start(problem: HiddenProblem, inner: Tensor, constants: Tensor) -> Tensor:
    """Complete inner coefficients to theta (S, P) by solving the outer splines.

    Args:
        inner: (S, L, H, p).
        constants: (S, K) on the training scale.
    """
    outer = inner.new_zeros(*inner.shape[:3], problem.outer_width)
    theta = problem.pack(inner, outer, constants)
    return problem.solve_outer(theta, torch.arange(len(inner), device=inner.device))
