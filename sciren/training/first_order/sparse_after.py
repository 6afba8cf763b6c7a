"""Many edges after training by gradients: sets by share compete after joint refits.

Penalties that find the edges also bias their shapes, and without a refit every edge that
goes seems to be missed. So the sets of edges with enough share are refitted by a few
Gauss-Newton steps, without sparsity penalties, before validation chooses among them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.model import ScIReN
from sciren.training.engines import gauss_newton_obstacle
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.group_sparsity import without_weak
from sciren.training.gauss_newton.selection import one_standard_error, record_path
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.gauss_newton.sparse import by_path, smoothed, stage_of, weights_of
from sciren.training.gauss_newton.stages import AdditiveStage, Candidate
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.progress import Silence

# Least share of a latent's deviation in a set of edges; 0.1 kept the eight true edges of
# the simulated soil study and no other, in five of five splits.
SHARES = (0.03, 0.05, 0.1, 0.15, 0.2)

Start = Callable[[AdditiveProblem, KANEncoder, ScIReN], Tensor]


def select_by_refits(member: Member, start: Start) -> bool:
    """Choose edges by refits, where there are many; return whether it was done.

    Args:
        member: trained by gradients.
        start: trained weights as theta (1, P) of a problem.
    """
    model, config = member.model, member.config
    # Refits minimise squares. Weights trained by another loss stand at another minimum,
    # from which a refit would move more than the choice of edges does.
    obstacle = gauss_newton_obstacle(model, config.max_coefficients)
    encoder = model.encoder
    squared = config.loss == "squares"
    if obstacle is not None or not squared or not isinstance(encoder, KANEncoder):
        return False
    solver = _solver(member)
    if not by_path(solver):
        return False
    stage = stage_of(solver, min(weights_of(config)))
    with torch.no_grad():
        theta = start(stage.problem, encoder, model)
        fitted = _fitted(stage, theta)
        names = [
            [f"{x} -> {to}" for to in model.latent_names] for x in model.feature_names
        ]
        selected = one_standard_error(fitted)
        member.history.selection.extend(
            record_path(fitted, selected, names, stage.nodes)
        )
        step = smoothed(solver, selected, weights_of(config))
        assert isinstance(step.stage, AdditiveStage)
        fewer = without_weak(step.stage, step.candidate, names, member.history)
        step.stage.store(fewer)
    member.history.say(
        "Edges were selected and refitted by Gauss-Newton steps from the trained weights."
    )
    return True


def _solver(member: Member) -> StageSolver:
    """Return a solver that leaves the scale of the trained latents as it is."""
    model = member.model
    # `StageSolver` sets the scale of latents anew, in which trained weights would mean
    # others.
    scale_before = model.output_shift.clone(), model.output_scale.clone()
    history: History = member.history
    solver = StageSolver(model, member.data, member.config, history, Silence())
    model.output_shift.copy_(scale_before[0])
    model.output_scale.copy_(scale_before[1])
    return solver


def _fitted(stage: AdditiveStage, theta: Tensor) -> list[Candidate]:
    """Refit the different sets of edges with enough share."""
    problem = stage.problem
    deviation = problem.spline.deviation(problem.split(theta)[0][0, :, 1:])
    share = deviation / deviation.sum(0).clamp_min(1e-300)
    # Thresholds between two shares give the same set, which is fitted once.
    sets = {
        tuple((share >= least).flatten().tolist()): share >= least for least in SHARES
    }
    return [
        stage.fit(edges.unsqueeze(0), theta[0], stage.trial_steps)[0]
        for edges in sets.values()
        if bool(edges.any())
    ]
