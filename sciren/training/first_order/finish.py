"""What follows first-order training: edge selection, a refit, profiles of constants."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.encoders.baselines import AdditiveEncoder
from sciren.encoders.kan import KANEncoder
from sciren.model import ScIReN
from sciren.pruning import prune
from sciren.solvers.levenberg import minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.splines import greville
from sciren.training.config import TrainConfig
from sciren.training.engines import gauss_newton_obstacle
from sciren.training.feature_selection import report_features
from sciren.training.first_order.sparse_after import select_by_refits
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.gauss_newton.profiling import profile_and_bootstrap
from sciren.training.gauss_newton.selection import within
from sciren.training.gauss_newton.stages import Validation, by_block
from sciren.training.gauss_newton.starts.hidden import hidden_start
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import Prepared
from sciren.training.progress import Progress

# Shares below which edges go, tried in turn; 0.03 is the usual threshold of pruning, 0.1
# what the simulated soil study needs. Validation chooses among them.
THRESHOLDS = (0.003, 0.01, 0.03, 0.1, 0.2)
# A profile solves the whole problem at 25 values of each constant. On 5,000 rows the error of
# a constant is three times that of 50,000; the history names the number of rows.
PROFILE_ROWS = 5_000


def finish_first_order(
    members: Sequence[Member],
    train: Callable[[Sequence[Member], Progress], None],
    progress: Progress,
) -> None:
    """Select edges, train on without sparsity penalties, profile the constants.

    Args:
        members: trained.
        train: trains members on, all together.
        progress: hears the steps.
    """
    again = [
        member for member in members if member.config.select and select_edges(member)
    ]
    # All members that go on take their steps in one loop, as in the first training.
    if again:
        train(
            [replace(member, config=_refit(member.config)) for member in again],
            progress,
        )
        for member in again:
            keep_to_kinds(member.model, member.data.train)
    for trained in members:
        if trained.config.select:
            report_features(
                trained.model, trained.data, trained.config, trained.history
            )
        if not trained.config.profiles or not len(trained.model.constant_raw):
            continue
        reason = gauss_newton_obstacle(trained.model, trained.config.max_coefficients)
        if trained.config.loss != "squares":
            reason = f"the loss {trained.config.loss!r} is no sum of squares"
        if reason is None:
            profile_trained(
                trained.model, trained.data, trained.config, trained.history
            )
        else:
            trained.history.say(f"The constants have no profile, because {reason}.")


@torch.no_grad()
def keep_to_kinds(model: ScIReN, train: Table) -> None:
    """Hold curves of periodic features and of classes to what their kinds allow.

    Steps move splines as if every feature were an amount; where a circle closes, and for
    classes that no row has, the closest curve of the kind is taken.
    """
    if isinstance(model.encoder, KANEncoder) and model.kinds:
        model.encoder.spline_layers[0].keep_to_kinds(model.scaled(train.features))


def _refit(config: TrainConfig) -> TrainConfig:
    # Penalties that found the edges also bias their shapes, so the edges are trained on
    # without them; the start is good, so at a lower rate.
    rate, folder = 0.3 * config.learning_rate, config.checkpoint
    folder = None if folder is None else str(Path(folder) / "refit")
    return config.replace(entropy=0.0, l1=0.0, learning_rate=rate, checkpoint=folder)


def select_edges(member: Member) -> bool:
    """Drop weak edges by the one-standard-error rule on validation.

    Every threshold gives one candidate, without retraining; of those within one block
    standard error of the best the one with fewest edges is taken.

    Returns:
        Whether the model is to be trained on without sparsity penalties.
    """
    model, data = member.model, member.data
    config, history = member.config, member.history
    if not isinstance(model.encoder, KANEncoder | AdditiveEncoder):
        history.say(f"{type(model.encoder).__name__} has no edges to select.")
        return False
    # Where there are many edges, without a refit each that goes seems to be missed
    # (`sparse_after`).
    if select_by_refits(member, _additive_theta):
        return False
    # 1. Candidates: the whole model, then one less dense for each threshold.
    candidates = [(0.0, model, _validation(model, data, config), [])]
    for threshold in THRESHOLDS:
        # The process model is shared: it is not changed, and may be large or refuse to
        # be copied.
        other = copy.deepcopy(model, {id(model.decoder): model.decoder})
        removed = prune(other, data.train, threshold)
        if removed:
            judged = _validation(other, data, config)
            candidates.append((threshold, other, judged, removed))
    # 2. One standard error: the sparsest of those not told apart from the best.
    best = min(
        (candidate[2] for candidate in candidates), key=lambda point: float(point.loss)
    )
    close = [candidate for candidate in candidates if within(candidate[2], best, 1.0)]
    selected = max(close, key=lambda candidate: len(candidate[3]))
    # Errors are of paired differences to the best on the same blocks.
    for threshold, _, judged, removed in candidates:
        mean, error = judged.excess(0, best, 0)
        history.selection.append(
            {
                "threshold": threshold,
                "removed": len(removed),
                "valid_loss": float(judged.loss),
                "excess": mean,
                "standard_error": error,
                "chosen": threshold == selected[0],
            }
        )
    if selected[3]:
        model.encoder.load_state_dict(selected[1].encoder.state_dict())
    # 3. Penalties bias shapes even where no edge went.
    refit = bool(selected[3] or config.entropy or config.l1)
    if refit:
        history.say("Refitted without sparsity penalties after the edge selection.")
    return refit


def _term(model: ScIReN, data: Prepared, config: TrainConfig) -> ProcessTerm:
    return ProcessTerm(model, data.train, data.scale, config.violation)


@torch.no_grad()
def _validation(model: ScIReN, data: Prepared, config: TrainConfig) -> Validation:
    term = ProcessTerm(model, data.valid, data.scale, config.violation)
    raw = model.raw_latents(model.scaled(data.valid.features)).unsqueeze(0)
    return by_block(term, raw, model.constant_raw.detach().unsqueeze(0))


@torch.no_grad()
def profile_trained(
    model: ScIReN, data: Prepared, config: TrainConfig, history: History
) -> None:
    """Profile the constants by Gauss-Newton, started at the trained weights.

    Args:
        model: whose encoder the Gauss-Newton engine could train.
    """
    encoder = model.encoder
    if not len(model.constant_raw) or not isinstance(encoder, KANEncoder):
        return
    generator = torch.Generator().manual_seed(config.seed)
    rows = torch.randperm(len(data.train), generator=generator)[:PROFILE_ROWS]
    rows = rows.sort().values.to(data.train.features.device)
    design = SplineDesign.of(encoder, model.scaled(data.train.features))
    part, term = design.take(rows), _term(model, data, config).take(rows)
    if encoder.hidden:
        problem = HiddenProblem(
            term,
            part,
            encoder.hidden[0],
            encoder.grid[1],
            config.smooth_inner,
            config.smooth_outer,
        )
        theta = _hidden_theta(problem, encoder, model)
    else:
        # Squared differences have another unit; 1e-3 is the default of the integral.
        smooth = config.smooth if config.smooth_kind == "roughness" else 1e-3
        problem = AdditiveProblem(term, part, smooth)
        theta = _additive_theta(problem, encoder, model)
    edges = (encoder.spline_layers[0].mask != 0).unsqueeze(0)
    held = problem.with_active(problem.mask_of(edges))
    # A profile is measured from a minimum; gradient steps end near one, not at it.
    start = minimise(held, theta * held.active, 30, 1e-8).theta[0]
    summaries, _ = profile_and_bootstrap(held, start, config)
    history.say(
        f"The profiles were solved by Gauss-Newton on {len(rows)} training rows, "
        "started at the trained weights."
    )
    for summary in summaries:
        history.summaries[summary.name] = summary
        history.profiles.extend(summary.points)


def _curves(encoder: KANEncoder) -> Tensor:
    """First-layer coefficients (d, J, m) with the base slope folded in."""
    layer = encoder.spline_layers[0]
    curves = layer.coefficients * layer.mask.unsqueeze(-1)
    if layer.slope is not None:
        lines = greville(layer.low, layer.high, layer.intervals)
        curves = curves + (layer.slope * layer.mask).unsqueeze(-1) * lines.unsqueeze(1)
    return layer.spaces.from_spline(curves, layer.intervals)


def _additive_theta(
    problem: AdditiveProblem, encoder: KANEncoder, model: ScIReN
) -> Tensor:
    curves = _curves(encoder)
    # The problem centres each curve on the training rows; what is taken from the curves
    # goes into the intercept.
    mean = problem.spline.mean.reshape(len(curves), 1, -1)
    intercept = encoder.spline_layers[0].bias + (curves * mean).sum((0, 2))
    flat = curves.transpose(0, 1).flatten(1)
    blocks = torch.cat((intercept.unsqueeze(1), flat), dim=1).flatten()
    return torch.cat((blocks, model.constant_raw)).unsqueeze(0)


def _hidden_theta(problem: HiddenProblem, encoder: KANEncoder, model: ScIReN) -> Tensor:
    flat = _curves(encoder).transpose(0, 1).flatten(1)
    inner = flat.reshape(1, problem.n_latents, problem.nodes, -1)
    return hidden_start(problem, inner, model.constant_raw.detach().unsqueeze(0))
