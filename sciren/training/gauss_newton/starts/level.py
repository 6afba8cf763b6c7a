"""Where a search for latents begins: their level, and the unit of each raw latent."""

import torch
from torch import Tensor

from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.solvers.levenberg import minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.start_values import FAR, start_latents
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.starts.constant_latents import ConstantLatents
from sciren.training.gauss_newton.starts.elsewhere import better_start
from sciren.training.preparation import Prepared


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
    model = problem.term.model
    if not (model.plain or model.decoder.expensive):
        theta = better_start(null, theta)
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
    if _is_far(model, data):
        # The slope there is that of another place: a network of it would run away.
        null = AdditiveProblem(
            term,
            SplineDesign.of_ones(model.output_shift.new_ones(len(data.train))),
            0.0,
        )
        model.output_shift.copy_(null.raw(fit_constant_latents(null))[0, 0])
    raw = model.output_shift.expand(1, len(data.train), -1)
    constants = model.constant_raw.detach().unsqueeze(0)
    if model.decoder.rowwise:
        model.output_scale.copy_(sensitivity_scale(term, raw, constants))


def _is_far(model: ScIReN, data: Prepared) -> bool:
    """Say whether the process at its start is far from the observations in size."""
    decoder, table = model.decoder, data.train
    if model.plain or decoder.expensive or not decoder.rowwise:
        return False
    latents = model.constrain(model.output_shift).expand(len(table), -1)
    constants = model.constant_scale.to_physical(model.constant_raw.detach())
    first = decoder.evaluate(latents, constants, dict(table.forcings))
    if not bool(torch.isfinite(first).all()):
        return False
    for have, wanted, seen in zip(
        first.unbind(1), table.targets.unbind(1), table.observed.unbind(1), strict=True
    ):
        sizes = have[seen].abs().median(), wanted[seen].abs().median()
        if bool(seen.any()) and float(sizes[1]) > FAR * float(sizes[0]):
            return True
    return False
