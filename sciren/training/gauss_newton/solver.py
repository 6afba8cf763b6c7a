"""Stages of the Gauss-Newton engine, solved: the additive model, hidden nodes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.encoders.base import seeded
from sciren.encoders.kan import DEFAULT_GRID, KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.solvers.levenberg import Watch, minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.profile import search_constants
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.class_ridge import chosen_ridge
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.gram import GramTable, SharedGrams, error_of
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.gauss_newton.layer_smoothing import smoothed_layer
from sciren.training.gauss_newton.stages import (
    FINAL,
    TRIAL,
    AdditiveStage,
    AnyStage,
    HiddenStage,
    Step,
    smoothest,
)
from sciren.training.gauss_newton.starts.directions import StartSearch
from sciren.training.gauss_newton.starts.level import (
    fit_constant_latents,
    sensitivity_scale,
    start_constant,
)
from sciren.training.history import History
from sciren.training.noise import robust_weights, weights_of_fit
from sciren.training.preparation import Prepared
from sciren.training.progress import Progress

AnyProblem = AdditiveProblem | HiddenProblem
# Searches and hidden layers see no more rows until they are finished. On the respiration
# study 5,000 of 56,000 rows found the right minimum for every seed; all rows polish it.
FEW_ROWS = 8_000
TRIAL_STEPS = 4  # of each weight of the smoothing: started at its neighbour's solution
START_STEPS = 30  # of the additive model on few rows
ROBUST_STARTS = 4  # times that weights follow the first fit where noise is robust
# A coarse profile of each constant looks for other minima, because the real tower has two
# (Davos, Q10 1.5 and 5.1) and every start finds the nearer one.
SEARCH_ROWS = 2_500
SEARCH_POINTS = 9  # Gauss-Newton walks the rest of the way from the lowest


class StageSolver:
    """Solves the stages of the ladder for one model and its tables.

    Args:
        model: its encoder must be a `KANEncoder` with at most one hidden layer.
        data: prepared tables.
        config, history, progress: as in `fit`.
        grams: matrices that members on the same rows share.
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
        grams: SharedGrams | None = None,
    ) -> None:
        self.grams = SharedGrams() if grams is None else grams
        if not isinstance(model.encoder, KANEncoder):
            raise TrainingError("the Gauss-Newton engine needs a KANEncoder")
        self.model, self.data, self.config = model, data, config
        self.encoder = model.encoder
        self.history, self.progress = history, progress
        start_constant(model, data)
        self.train_design = SplineDesign.of(self.encoder, self._scaled(data.train))
        self.valid_design = SplineDesign.of(
            self.encoder, self._scaled(data.valid), self.train_design.mean
        )
        self.noise: tuple[Tensor, Tensor] | None = None
        rows = self.rows(FEW_ROWS).to(self.train_design.scaled.device)
        self.few = rows if len(rows) < len(data.train) else None
        self._start: Tensor | None = None

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

    def reweighted(self, step: Step, last: bool) -> AnyStage:
        """Return a stage on all rows with weights that follow from the stored model.

        Args:
            step: whose solution the model holds.
            last: whether robust weights may be zero, which needs a good model.
        """
        tables = self.data.train, self.data.valid
        how = self.config.noise, last
        train, valid = (weights_of_fit(self.model, table, *how) for table in tables)
        self.noise = (train, valid)
        stage = step.stage.with_terms(*self.terms())
        if not self.grows:
            return stage
        # Rows that now count more have the smaller errors, so the same residuals have a
        # smaller mean square, beside which the chosen smoothing would ask for more.
        theta = step.candidate.theta.unsqueeze(0)
        before = step.stage.problem.terms(theta)["data"]
        share = stage.problem.terms(theta)["data"] / max(before, 1e-300)
        return stage.smoothed(share) if share > 0 else stage

    @property
    def grows(self) -> bool:
        """Whether the noise was found to grow with the mean and nothing else was said."""
        law = self.model.noise_law
        return self.config.noise == "auto" and law is not None and any(law["power"])

    def _watch(self, stage: str, total: int, problem: AnyProblem) -> Watch:
        """Keep every term of the best member's loss after each step."""

        def watch(step: int, loss: Tensor, theta: Tensor) -> None:
            best = int(loss.argmin())
            lowest = float(loss[best])
            self.progress.update(stage, step, total, {"loss": lowest})
            terms = problem.terms(theta[best : best + 1])
            self.history.append(stage, step, {"total": lowest} | terms)

        return watch

    # -- stages ----------------------------------------------------------------------
    def additive(self, coarse: bool = False) -> Step:
        """Solve the additive model: best minimum in constants, smoothing on validation.

        Args:
            coarse: on some of the rows, where there are many.
        """
        train, valid = self.terms()
        if self._start is None:
            self._start = self._additive_start(train)
            train, valid = self.terms()
            self._choose_ridge(train, self._start)
        theta, weights = self._start, self.config.smooth_choices
        design = self.train_design
        if coarse and self.few is not None:
            train, design = train.take(self.few), design.take(self.few)
        table = None if coarse else self._table(train)
        problems: list[AdditiveProblem] = []
        tried: list[Step] = []
        # From wiggly to smooth: each solution starts the next, a few steps away.
        for weight in weights or (self.config.smooth,):
            problem = AdditiveProblem(train, design, weight)
            problems.append(problem)
            stage = AdditiveStage(problem, valid, self.valid_design, table)
            tried.append(self._solved(stage, theta, weight, len(weights) > 1))
            theta = tried[-1].candidate.theta.unsqueeze(0)
        if len(tried) == 1:
            return tried[0]
        # Trials are a few steps each; the chosen weight is solved to the end below.
        best = smoothest(tried)
        if not coarse:
            self.note_smoothing(weights, tried)
        theta, weight = tried[best].candidate.theta.unsqueeze(0), weights[best]
        stage = AdditiveStage(problems[best], valid, self.valid_design, table)
        return self._solved(stage, theta, weight, coarse)

    def _choose_ridge(self, train: ProcessTerm, start: Tensor) -> None:
        """Choose how far classes with few rows are drawn to the mean."""
        # Only classes have a ridge; other kinds are held by their smoothness.
        if self.train_design.ridge is None:
            return
        smooth = (self.config.smooth_choices or (self.config.smooth,))[0]
        problem = AdditiveProblem(train, self.train_design, smooth)
        self.train_design = replace(
            self.train_design, ridge=chosen_ridge(problem, start)
        )

    def _table(self, train: ProcessTerm) -> GramTable | None:
        """Gram matrices around the first solution, where they describe its loss."""
        smooth = (self.config.smooth_choices or (self.config.smooth,))[0]
        problem = AdditiveProblem(train, self.train_design, smooth)
        if self._start is None or not GramTable.possible(problem):
            return None
        few = problem if self.few is None else problem.on_rows(self.few)
        # Asked on few rows first, at one value of the constant: is the loss quadratic
        # at all?
        here = GramTable.around(few, self._start, 0.0, SharedGrams())
        trial = AdditiveStage(few, few.term, few.spline, here)
        if not bool(trial.promised(few.active, self._start)[1]):
            return None
        error = error_of(few, self._start)
        return GramTable.around(problem, self._start, error, self.grams)

    def _null(
        self, train: ProcessTerm, design: SplineDesign
    ) -> tuple[Tensor, AdditiveProblem]:
        """Lay origin and scale of the latents; theta (1, P) without features."""
        config = self.config
        smooth = (config.smooth_choices or (config.smooth,))[0]
        problem = AdditiveProblem(train, design, smooth)
        theta = fit_constant_latents(problem)
        self.model.output_scale.copy_(self._latent_scale(problem, theta))
        self.model.output_shift.copy_(problem.raw(theta)[0, 0])
        # The level of constant latents moves into the shift, so that zero means no
        # effect.
        theta[:, : problem.n_latents * problem.block] = 0.0
        return theta, AdditiveProblem(train, design, smooth)

    def _additive_start(self, train: ProcessTerm) -> Tensor:
        """Lay the scale of the latents, solve on few rows, look for other minima."""
        config, design = self.config, self.train_design
        if self.few is not None:
            train, design = train.take(self.few), design.take(self.few)
        theta, problem = self._null(train, design)
        smooth = (config.smooth_choices or (config.smooth,))[0]
        watch = self._watch(f"additive, smooth {smooth:g}", START_STEPS, problem)
        start = minimise(problem, theta, START_STEPS, TRIAL, watch=watch).theta
        if config.noise == "robust":
            problem, start = self._robust_start(problem, start)
        part = problem
        count = min(config.start_rows, SEARCH_ROWS)
        if len(design) > count:
            part = problem.on_rows(self._among_few(count))
        ranges = config.profile_range
        return search_constants(part, start[0], SEARCH_POINTS, ranges).unsqueeze(0)

    def _robust_start(
        self, problem: AdditiveProblem, theta: Tensor
    ) -> tuple[AdditiveProblem, Tensor]:
        """Weigh gross errors down before anything is chosen."""
        for _ in range(ROBUST_STARTS):
            problem.store(theta[0])
            tables = self.data.train, self.data.valid
            train, valid = (
                robust_weights(self.model, table, False) for table in tables
            )
            self.noise = (train, valid)
            term = self.terms()[0]
            term = term if self.few is None else term.take(self.few)
            problem = problem.with_term(term)
            theta = minimise(problem, theta, TRIAL_STEPS, TRIAL).theta
        return problem, theta

    def _among_few(self, count: int) -> Tensor:
        """Draw positions of some rows among the few."""
        total = None if self.few is None else len(self.few)
        return self.rows(count, total).to(self.train_design.scaled.device)

    def _solved(
        self, stage: AdditiveStage, theta: Tensor, weight: float, trial: bool
    ) -> Step:
        """Solve the additive model with one weight of the roughness."""
        problem = stage.problem
        total = TRIAL_STEPS if trial else self.config.max_iterations
        tolerance = TRIAL if trial else FINAL
        watch = self._watch(f"additive, smooth {weight:g}", total, problem)
        theta, kept = stage.promised(problem.active, theta)
        member = torch.zeros(1, dtype=torch.long, device=theta.device)
        if trial and bool(kept):
            # The table promised this point and kept its word: no step is needed.
            loss = problem.loss(theta, member)
            watch(1, loss, theta)
        else:
            # The start is good: undamped, a linear problem takes one step.
            solution = minimise(problem, theta, total, tolerance, 1e-6, watch)
            theta, loss = solution.theta, solution.loss
        shape = (1, problem.n_features, problem.n_latents)
        edges = torch.ones(shape, dtype=torch.bool, device=theta.device)
        return Step(stage, stage.judge(edges, theta, loss)[0])

    def note_smoothing(self, weights: Sequence[float], tried: Sequence[Step]) -> None:
        """Say how every weight that was tried does on validation."""
        losses = [float(step.candidate.valid.loss) for step in tried]
        shown = ", ".join(
            f"{weight:g}: {loss:.5g}"
            for weight, loss in zip(weights, losses, strict=False)
        )
        self.history.say(f"Smoothing was chosen on validation (weight: loss): {shown}.")

    def _latent_scale(self, problem: AdditiveProblem, theta: Tensor) -> Tensor:
        if self.config.latent_scale == "unit" and not self.model.plain:
            return self.model.output_scale.clone()
        raw, (_, constants) = problem.raw(theta), problem.split(theta)
        return sensitivity_scale(problem.term, raw, constants)

    def rows(self, count: int, total: int | None = None) -> Tensor:
        """Draw positions of some rows for searches that need not see all of them.

        Args:
            count: how many;  total: among how many; default all training rows.
        """
        total = len(self.data.train) if total is None else total
        if total <= count:
            return torch.arange(total)
        order = torch.randperm(total, generator=seeded(self.config.seed))
        return order[:count].sort().values

    def hidden(self, nodes: int, below: Step, must: bool = False) -> Step | None:
        """Solve one hidden layer from many starts; None where it cannot pay.

        Args:
            nodes: hidden nodes for each latent.
            below: the stage that it has to beat.
            must: solve it even if the training rows gain too little.
        """
        config = self.config
        train, valid = self.terms()
        few = self._hidden_problem(train, self.train_design, nodes, self.few)
        search = StartSearch(few, self.encoder, config, self._among_few)
        observed_loss, gain = self._observed(below), config.ladder_gain
        # A quarter of the gain after a few steps, half of it after the search: far below
        # what the ladder asks for at the end, so that no good start is given up.
        enough = math.inf if must else observed_loss * (1 - gain / 4)
        start, problem = below.candidate.theta, below.stage.problem
        theta = search.run(problem, start, self._watch, enough)
        if not must and search.reached > observed_loss * (1 - gain / 2):
            return None
        # From the search's rows and few outer knots to all knots of this problem.
        theta = few.taken_over(theta, search.problem)
        stage = HiddenStage(few, valid, self.valid_design)
        return smoothed_layer(stage, theta, config, self._watch)

    def finished(self, step: Step) -> Step:
        """Solve a step on all rows, to the end."""
        _, valid = self.terms()
        old, candidate = step.stage.problem, step.candidate
        theta, edges = candidate.theta.unsqueeze(0), candidate.edges.unsqueeze(0)
        whole = self.whole(old)
        if isinstance(old, AdditiveProblem) or isinstance(whole, AdditiveProblem):
            return Step(step.stage, step.stage.fit(edges, candidate.theta)[0])
        held = whole.with_active(whole.mask_of(edges))
        if whole is not old:
            theta = held.taken_over(theta, old)
        total = self.config.max_iterations
        watch = self._watch(f"{old.nodes} hidden, all rows", total, held)
        solution = minimise(held, theta, total, FINAL, damping=1e-6, watch=watch)
        stage = HiddenStage(whole, valid, self.valid_design)
        return Step(stage, stage.judge(edges, solution.theta, solution.loss)[0])

    def whole(self, problem: AnyProblem) -> AnyProblem:
        """Return the same problem on all training rows."""
        if problem.term.n_rows == len(self.data.train):
            return problem
        train, design = self.terms()[0], self.train_design
        return problem.elsewhere(train, design)

    def _observed(self, step: Step) -> float:
        """Observed loss of a step on its own rows, without penalties."""
        problem, theta = step.stage.problem, step.candidate.theta.unsqueeze(0)
        raw = problem.raw_at(theta, problem.spline)
        squares, weights = problem.term.data_by_row(raw, problem.constants_of(theta))
        return float(squares.sum() / weights.sum())

    def _hidden_problem(
        self,
        term: ProcessTerm,
        design: SplineDesign,
        nodes: int,
        rows: Tensor | None = None,
    ) -> HiddenProblem:
        if rows is not None:
            term, design = term.take(rows), design.take(rows)
        grid = self.encoder.grid
        outer = grid[1] if len(grid) > 1 else DEFAULT_GRID[1]
        config = self.config
        return HiddenProblem(
            term, design, nodes, outer, config.smooth_inner, config.smooth_outer
        )
