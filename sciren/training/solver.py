"""Rungs of the Gauss-Newton engine, solved: the additive model, hidden nodes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.encoders.base import seeded
from sciren.encoders.kan import DEFAULT_GRID, KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.additive import AdditiveProblem
from sciren.training.config import TrainConfig
from sciren.training.design import SplineDesign
from sciren.training.hidden import HiddenProblem
from sciren.training.history import History
from sciren.training.levenberg import Watch, minimise
from sciren.training.preparation import Prepared
from sciren.training.process_term import ProcessTerm
from sciren.training.profiling import profile_and_bootstrap
from sciren.training.progress import Progress
from sciren.training.rungs import AdditiveRung, Candidate, HiddenRung
from sciren.training.starts import (
    fit_constant_latents,
    hidden_start,
    sensitivity_scale,
    start_constant,
    straight_indices,
)

AnyProblem = AdditiveProblem | HiddenProblem
AnyRung = AdditiveRung | HiddenRung
TRIAL_STEPS = 12  # of each weight of the smoothing that is tried


@dataclass(frozen=True)
class Step:
    """A rung with its fitted candidate."""

    rung: AnyRung
    candidate: Candidate


class RungSolver:
    """Solves the rungs of the ladder for one model and its tables.

    Args:
        model: its encoder must be a `KANEncoder` with at most one hidden layer.
        data: prepared tables.
        config, history, progress: as in `fit`.
    Raises:
        TrainingError: another encoder.
    """

    def __init__(
        self,
        model: ScIReN,
        data: Prepared,
        config: TrainConfig,
        history: History,
        progress: Progress,
    ) -> None:
        if not isinstance(model.encoder, KANEncoder):
            raise TrainingError("the Gauss-Newton engine needs a KANEncoder")
        self.model, self.data, self.config = model, data, config
        self.encoder = model.encoder
        self.history, self.progress = history, progress
        start_constant(model)
        self.train_design = SplineDesign.of(self.encoder, self._scaled(data.train))
        self.valid_design = SplineDesign.of(
            self.encoder, self._scaled(data.valid), self.train_design.mean
        )
        self.noise: tuple[Tensor, Tensor] | None = None

    def _scaled(self, table: Table) -> Tensor:
        return self.model.scaled(table.features)

    def terms(self) -> tuple[ProcessTerm, ProcessTerm]:
        """Observed losses of the training and validation rows."""
        train, valid = self.noise or (None, None)
        return self._term(self.data.train, train), self._term(self.data.valid, valid)

    def _term(self, table: Table, noise: Tensor | None) -> ProcessTerm:
        violation = self.config.violation
        return ProcessTerm(
            self.model, table, self.data.scale, violation, noise_weights=noise
        )

    def _watch(self, stage: str, total: int, problem: AnyProblem) -> Watch:
        """Keep every term of the best member's loss after each step."""

        def watch(step: int, loss: Tensor, theta: Tensor) -> None:
            best = int(loss.argmin())
            lowest = float(loss[best])
            self.progress.update(stage, step, total, {"loss": lowest})
            terms = problem.terms(theta[best : best + 1])
            self.history.append(stage, step, {"total": lowest} | terms)

        return watch

    # -- rungs ----------------------------------------------------------------------
    def additive(self) -> Step:
        """Solve the additive model: smoothing on validation, best minimum in constants."""
        config = self.config
        train, valid = self.terms()
        problem = AdditiveProblem(train, self.train_design, config.smooth)
        theta = fit_constant_latents(problem)
        self.model.output_scale.copy_(self._latent_scale(problem, theta))
        self.model.output_shift.copy_(problem.raw(theta)[0, 0])
        theta[:, : problem.n_latents * problem.block] = 0.0
        choices = config.smooth_choices or (config.smooth,)
        tried: list[Step] = []
        for weight in choices:
            tried.append(self._smoothed(train, valid, theta, weight, trial=True))
            theta = tried[-1].candidate.theta.unsqueeze(0)
        losses = [float(step.candidate.valid.loss) for step in tried]
        best = _smoothest(tried, losses)
        if len(choices) > 1:
            self._note_smoothing(choices, losses)
        step, weight = tried[best], choices[best]
        problem = AdditiveProblem(train, self.train_design, weight)
        theta = self._best_constants(problem, step.candidate.theta.unsqueeze(0))
        return self._smoothed(train, valid, theta, weight)

    def _smoothed(
        self,
        train: ProcessTerm,
        valid: ProcessTerm,
        theta: Tensor,
        weight: float,
        trial: bool = False,
    ) -> Step:
        """Solve the additive model with one weight of the roughness."""
        problem = AdditiveProblem(train, self.train_design, weight)
        total = TRIAL_STEPS if trial else self.config.max_iterations
        tolerance = 1e-6 if trial else 1e-9
        watch = self._watch(f"additive, smooth {weight:g}", total, problem)
        found = minimise(problem, theta, total, tolerance, watch=watch)
        rung = AdditiveRung(problem, valid, self.valid_design)
        shape = (1, problem.n_features, problem.n_latents)
        edges = torch.ones(shape, dtype=torch.bool, device=theta.device)
        return Step(rung, rung.judge(edges, found.theta, found.loss)[0])

    def _note_smoothing(self, choices: tuple[float, ...], losses: list[float]) -> None:
        shown = ", ".join(
            f"{weight:g}: {loss:.5g}"
            for weight, loss in zip(choices, losses, strict=True)
        )
        self.history.say(f"Smoothing was chosen on validation (weight: loss): {shown}.")

    def _latent_scale(self, problem: AdditiveProblem, theta: Tensor) -> Tensor:
        if self.config.latent_scale == "unit" and not self.model.plain:
            return torch.ones_like(self.model.output_scale)
        raw, (_, constants) = problem.raw(theta), problem.split(theta)
        return sensitivity_scale(problem.term, raw, constants)

    def rows(self, count: int) -> Tensor:
        """Choose rows for the searches that need not see all of them."""
        total = len(self.data.train)
        if total <= count:
            return torch.arange(total)
        order = torch.randperm(total, generator=seeded(self.config.seed))
        return order[:count].sort().values

    def _best_constants(self, problem: AdditiveProblem, theta: Tensor) -> Tensor:
        """Look for the best minimum along each constant, on some of the rows."""
        if not problem.n_constants:
            return theta
        rows = self.rows(self.config.start_rows).to(theta.device)
        part = problem.on_rows(rows)
        first = minimise(part, theta, self.config.max_iterations)
        _, best = profile_and_bootstrap(
            part, first.theta[0], self.config.replace(bootstrap=0)
        )
        return best.unsqueeze(0)

    def hidden(self, nodes: int, below: Step, must: bool = False) -> Step | None:
        """Solve one hidden layer from many starts; None where it cannot pay.

        Args:
            nodes: hidden nodes for each latent.
            below: the rung that it has to beat.
            must: solve it even if the training rows gain too little.
        """
        config = self.config
        train, valid = self.terms()
        rows = self.rows(config.start_rows).to(self.train_design.scaled.device)
        whole = self._hidden_problem(train, self.train_design, nodes)
        part = whole.on_rows(rows)
        inner = straight_indices(part, self.encoder, config.starts, config.seed)
        inner = self._with_known(inner, below)
        constants = self.model.constant_raw.detach().expand(config.starts, -1)
        theta = hidden_start(part, inner, constants)
        theta, loss = self._starts(part, theta, nodes)
        if not must and self._hopeless(below, part.term, rows, float(loss[0])):
            return None
        same = bool(loss[: config.polish].max() < loss[0] * (1 + 1e-3))
        best = slice(0, 1 if same else config.polish)
        theta = whole.pack(*whole.unpack(theta[best]))
        total = config.max_iterations
        watch = self._watch(f"{nodes} hidden", total, whole)
        found = minimise(whole, theta, total, 1e-7, damping=1e-3, watch=watch)
        winner = int(found.loss.argmin())
        rung = HiddenRung(whole, valid, self.valid_design)
        shape = (1, whole.n_features, whole.n_latents * nodes)
        edges = torch.ones(shape, dtype=torch.bool, device=theta.device)
        one = slice(winner, winner + 1)
        return Step(rung, rung.judge(edges, found.theta[one], found.loss[one])[0])

    def _starts(
        self, part: HiddenProblem, theta: Tensor, nodes: int
    ) -> tuple[Tensor, Tensor]:
        """Improve all starts a little, then the better third; best first."""
        config, stage = self.config, f"{nodes} hidden, starts"
        few = max(1, config.start_iterations // 3)
        watch = self._watch(stage, few, part)
        found = minimise(part, theta, few, 1e-4, damping=1e-2, watch=watch)
        keep = max(config.polish, -(-len(theta) // 3))
        best = found.loss.argsort(stable=True)[:keep]
        more = config.start_iterations - few
        watch = self._watch(stage, more, part)
        found = minimise(part, found.theta[best], more, 1e-4, damping=1e-3, watch=watch)
        order = found.loss.argsort(stable=True)
        return found.theta[order], found.loss[order]

    def _hopeless(
        self, below: Step, term: ProcessTerm, rows: Tensor, reached: float
    ) -> bool:
        """Whether even the training rows gain too little over the rung below."""
        problem, theta = below.rung.problem, below.candidate.theta.unsqueeze(0)
        raw = problem.raw_at(theta, self.train_design.take(rows))
        squares, weights = term.data_by_row(raw, problem.constants_of(theta))
        known = float(squares.sum() / weights.sum())
        return reached > known * (1 - self.config.ladder_gain / 2)

    def _hidden_problem(
        self, term: ProcessTerm, design: SplineDesign, nodes: int
    ) -> HiddenProblem:
        grid = self.encoder.grid
        outer = grid[1] if len(grid) > 1 else DEFAULT_GRID[1]
        config = self.config
        return HiddenProblem(
            term, design, nodes, outer, config.smooth_inner, config.smooth_outer
        )

    def _with_known(self, inner: Tensor, below: Step) -> Tensor:
        """Let half of the starts keep the indices of the rung below."""
        problem = below.rung.problem
        if isinstance(problem, HiddenProblem) and problem.nodes < inner.shape[2]:
            known = problem.unpack(below.candidate.theta.unsqueeze(0)).inner
            inner[: len(inner) // 2, :, : problem.nodes] = known
        return inner


def _smoothest(tried: list[Step], losses: list[float]) -> int:
    """Return the last (smoothest) step within one block standard error of the best."""
    best = tried[losses.index(min(losses))].candidate.valid
    found = 0
    for number, step in enumerate(tried):
        mean, error = step.candidate.valid.excess(0, best, 0)
        if mean <= error:
            found = number
    return found
