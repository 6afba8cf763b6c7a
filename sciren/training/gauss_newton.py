"""The Gauss-Newton engine: solve small encoders instead of training them.

additive model -> (ladder: one, two hidden nodes) -> edge selection on validation ->
refit -> profile of every constant. Each accepted step is written into the model.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.encoders.base import seeded
from sciren.encoders.kan import DEFAULT_GRID, KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.additive import AdditiveProblem, SplineDesign
from sciren.training.config import TrainConfig
from sciren.training.hidden import HiddenProblem
from sciren.training.history import History
from sciren.training.levenberg import Watch, minimise
from sciren.training.noise import proportional_weights
from sciren.training.preparation import Prepared
from sciren.training.process_term import ProcessTerm
from sciren.training.profile import estimate
from sciren.training.profiling import profile_and_bootstrap
from sciren.training.progress import Progress
from sciren.training.rungs import AdditiveRung, Candidate, HiddenRung
from sciren.training.selection import eliminate
from sciren.training.starts import (
    fit_constant_latents,
    hidden_start,
    sensitivity_scale,
    start_constant,
    straight_indices,
)

TRIAL_ROWS = 8_000  # candidates with a hidden layer compete on no more

ALL_FEATURES = ", all offered features"  # marks profiles before edges were dropped

AnyProblem = AdditiveProblem | HiddenProblem
AnyRung = AdditiveRung | HiddenRung


@dataclass(frozen=True)
class Step:
    """A rung with its fitted candidate."""

    rung: AnyRung
    candidate: Candidate


class GaussNewton:
    """One run of the engine.

    Args:
        model: its encoder must be a `KANEncoder` with at most one hidden layer.
        data: prepared tables.
        config, history, progress: as in `fit`.
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

    # -- the run --------------------------------------------------------------------
    def run(self) -> None:
        """Train and write the result into the model."""
        hidden = self.encoder.hidden
        step = self._additive()
        if hidden:
            step = self._hidden(hidden[0], step, must=True) or step
        elif self.config.ladder:
            step = self._ladder(step)
        full = step
        step = self._reweighted(self._selected(step))
        step.rung.store(step.candidate)
        trained = self.model.encoder
        if isinstance(trained, KANEncoder):
            trained.center(self._scaled(self.data.train))
        self._profile(step)
        if step.candidate.n_edges < full.candidate.n_edges:
            self._profile(full, ALL_FEATURES)
            self._doubt()

    def _terms(self) -> tuple[ProcessTerm, ProcessTerm]:
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
    def _additive(self) -> Step:
        config = self.config
        train, valid = self._terms()
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
        total = 12 if trial else self.config.max_iterations
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

    def _rows(self, count: int) -> Tensor:
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
        rows = self._rows(self.config.start_rows).to(theta.device)
        part = problem.on_rows(rows)
        first = minimise(part, theta, self.config.max_iterations)
        _, best = profile_and_bootstrap(
            part, first.theta[0], self.config.replace(bootstrap=0)
        )
        return best.unsqueeze(0)

    def _hidden(self, nodes: int, below: Step, must: bool = False) -> Step | None:
        config = self.config
        train, valid = self._terms()
        rows = self._rows(config.start_rows).to(self.train_design.matrix.device)
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
        raw = problem.raw_at(theta, self.train_design.matrix[rows])
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

    # -- decisions ------------------------------------------------------------------
    def _ladder(self, additive: Step) -> Step:
        """Climb to one and two hidden nodes while validation gains clearly."""
        best = additive
        self._note_rung(additive, True, 0.0)
        for nodes in (1, 2):
            step = self._hidden(nodes, best)
            if step is None:
                self._note_hopeless(nodes)
                break
            mean, error = best.candidate.valid.excess(0, step.candidate.valid, 0)
            share = mean / float(best.candidate.valid.loss)
            accepted = mean > error and share > self.config.ladder_gain
            self._note_rung(step, accepted, share)
            if not accepted:
                break
            best = step
        return best

    def _note_hopeless(self, nodes: int) -> None:
        self.history.ladder.append(
            {
                "hidden_nodes": nodes,
                "train_loss": math.nan,
                "valid_loss": math.nan,
                "gain": math.nan,
                "accepted": False,
            }
        )

    def _note_rung(self, step: Step, accepted: bool, gain: float) -> None:
        self.history.ladder.append(
            {
                "hidden_nodes": step.rung.nodes,
                "train_loss": step.candidate.loss,
                "valid_loss": float(step.candidate.valid.loss),
                "gain": gain,
                "accepted": accepted,
            }
        )

    def _selected(self, step: Step) -> Step:
        if not self.config.select:
            return step
        names = self._edge_names(max(step.rung.nodes, 1))
        rows = self._rows(TRIAL_ROWS).to(step.candidate.theta.device)
        if not step.rung.nodes or len(rows) == len(self.data.train):
            chosen = eliminate(step.rung, step.candidate, names, self.history)
            return Step(step.rung, chosen)
        # With a hidden layer the candidates compete on some of the rows.
        trial = step.rung.on_rows(rows)
        edges = step.candidate.edges.unsqueeze(0)
        full = trial.fit(edges, step.candidate.theta)[0]
        chosen = eliminate(trial, full, names, self.history)
        if chosen.n_edges == full.n_edges:
            return step
        kept = chosen.edges.unsqueeze(0)
        return Step(step.rung, step.rung.fit(kept, chosen.theta)[0])

    def _edge_names(self, nodes: int) -> list[list[str]]:
        targets = [
            latent if nodes == 1 else f"{latent} (node {h + 1})"
            for latent in self.model.latent_names
            for h in range(nodes)
        ]
        return [[f"{x} -> {to}" for to in targets] for x in self.model.feature_names]

    def _reweighted(self, step: Step) -> Step:
        """Refit with weights 1 / prediction^2 where the noise is proportional."""
        if self.config.noise == "constant":
            return step
        for _ in range(2):
            step.rung.store(step.candidate)
            train = proportional_weights(self.model, self.data.train)
            valid = proportional_weights(self.model, self.data.valid)
            self.noise = (train, valid)
            terms = self._terms()
            rung = step.rung.with_terms(*terms)
            edges = step.candidate.edges.unsqueeze(0)
            step = Step(rung, rung.fit(edges, step.candidate.theta)[0])
        return step

    # -- constants ------------------------------------------------------------------
    def _doubt(self) -> None:
        """A constant that selection alone pins down is not identified."""
        for name in self.model.decoder.constant_names:
            chosen = self.history.summaries[name]
            full = self.history.summaries[name + ALL_FEATURES]
            if not full.identified and chosen.identified:
                chosen.identified = False
                chosen.reason = f"with all offered features {full.reason}"

    def _profile(self, step: Step, tail: str = "") -> None:
        """Profile the constants of a step; `tail` marks their names in the record."""
        problem, theta = step.rung.problem, step.candidate.theta
        if not problem.n_constants:
            return
        edges = step.candidate.edges.unsqueeze(0)
        whole = held = problem.with_active(problem.mask_of(edges))
        count = whole.term.observations.count
        rows = self._rows(whole.profile_effort.rows).to(theta.device)
        if len(rows) < len(self.data.train):
            held = whole.on_rows(rows)
            theta = minimise(held, theta.unsqueeze(0), 20, 1e-8).theta[0]
            self.history.say(
                f"The profiles were computed on {len(rows)} of the training rows, "
                "chi-square scaled to all."
            )
        summaries, _ = profile_and_bootstrap(held, theta, self.config, count)
        for number, summary in enumerate(summaries):
            if held is not whole and len(summary.minima) == 1:
                found = estimate(whole, step.candidate.theta, number)
                summary.estimate, summary.error = found
                summary.minima = [(found[0], 0.0)]
            summary.rename(summary.name + tail)
            self.history.summaries[summary.name] = summary
            self.history.profiles.extend(summary.points)


def _smoothest(tried: list[Step], losses: list[float]) -> int:
    """Return the last (smoothest) step within one block standard error of the best."""
    best = tried[losses.index(min(losses))].candidate.valid
    found = 0
    for number, step in enumerate(tried):
        mean, error = step.candidate.valid.excess(0, best, 0)
        if mean <= error:
            found = number
    return found
