"""The Gauss-Newton engine: solve small encoders instead of training them.

additive model -> (ladder: one, two hidden nodes) -> selection of edges (tests on all rows
but the test rows; validation where nodes are hidden) -> refit -> profile of every
constant. Each accepted step is written into the model.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.solvers.levenberg import minimise
from sciren.solvers.profile import ProfileSummary, estimate
from sciren.training.feature_selection import select_features
from sciren.training.gauss_newton.concurvity import imitated_shares, report
from sciren.training.gauss_newton.gram import SharedGrams
from sciren.training.gauss_newton.profiling import carried_over, profile_and_bootstrap
from sciren.training.gauss_newton.selection import eliminate, record_path
from sciren.training.gauss_newton.solver import AnyProblem, StageSolver
from sciren.training.gauss_newton.sparse import by_path, solve_sparse
from sciren.training.gauss_newton.stages import Step
from sciren.training.gauss_newton.whitening import whitened
from sciren.training.member import Member
from sciren.training.progress import Progress

HUBER_PASSES, BISQUARE_PASSES = 4, 3  # refits with robust weights
# Of the best of several smoothings, two block standard errors are clear of chance (2.3 % in one
# tail); no layer that follows noise halves the loss of rows that it has not seen.
CLEARLY, MOST_OF_IT = 2.0, 0.5
ALL_FEATURES = ", all offered features"  # marks profiles before edges were dropped


def solve_members(members: Sequence[Member], progress: Progress) -> None:
    """Train every member in place.

    Args:
        members: whose models this engine can train, with scaling and knots set.
        progress: hears every step.
    """
    grams = SharedGrams()
    for member in members:
        parts = (member.model, member.data, member.config, member.history, progress)
        GaussNewton(StageSolver(*parts, grams)).run()


class GaussNewton:
    """One run of the engine: every choice is made with the fits of a solver.

    Args:
        solver: of one model and its tables.
        hears: is given the additive model of all edges before edges are chosen, unless a
            path of penalties chooses them.
    """

    def __init__(
        self, solver: StageSolver, hears: Callable[[Step], None] | None = None
    ) -> None:
        self.hears = hears
        self.solver, self.model, self.data = solver, solver.model, solver.data
        self.config, self.history = solver.config, solver.history

    def run(self) -> Step:
        """Train, write the result into the model, and return it."""
        # 1. Which edges; 2. the law of the noise, which follows from the fit; 3. which
        # curves others imitate; 4. profiles, which may lead to a better minimum; 5. the model is
        # written.
        full, step = self._sparse() if by_path(self.solver) else self._one_by_one()
        step = whitened(self.solver, self._reweighted(step))
        self._concurvity(step)
        if self.config.profiles:
            step = self._profiled(step)
        self._check_finite(step)
        step.stage.store(step.candidate)
        trained = self.model.encoder
        # Curves that end at zero outside their knots cannot hold an offset.
        if isinstance(trained, KANEncoder) and trained.outside == "linear":
            trained.center(self.model.scaled(self.data.train.features))
        dropped = step.candidate.n_edges < full.candidate.n_edges
        if self.config.profiles and dropped and len(self.model.constant_raw):
            # Once more with all edges: a constant that only the selection pins down is
            # no finding.
            self._keep(self._profile(full)[0], ALL_FEATURES)
            self._doubt()
        return step

    def _check_finite(self, step: Step) -> None:
        """A start at which nothing moves leads steps to where the process has no values."""
        if math.isfinite(step.candidate.loss):
            return
        decoder = self.model.decoder
        starts = ", ".join(f"{p.name} = {p.initial:g}" for p in decoder.parameters)
        raise TrainingError(
            f"the search ended where decoder {decoder.name!r} has no finite values; it began "
            f"at {starts}, where its outputs hardly move in units of the targets: give its "
            "parameters other start values, or the targets another unit"
        )

    def _sparse(self) -> tuple[Step, Step]:
        """Choose among many edges; all of them are fitted only to judge constants."""
        full = self.solver.additive() if len(self.model.constant_raw) else None
        step = solve_sparse(self.solver, self._edge_names(1), full)
        return full or step, step

    def _one_by_one(self) -> tuple[Step, Step]:
        """Fit all edges, climb the ladder, drop edges while validation allows."""
        hidden = self.solver.encoder.hidden
        step = self.solver.additive(coarse=bool(hidden) or self.config.ladder)
        if self.hears is not None:
            self.hears(step)
        if hidden:
            step = self.solver.hidden(hidden[0], step, must=True) or step
        elif self.config.ladder:
            step = self._ladder(step)
        return step, self.solver.finished(self._selected(step))

    def _ladder(self, additive: Step) -> Step:
        """Climb to one and two hidden nodes while validation gains clearly."""
        best = additive
        self._note_stage(additive, True, 0.0)
        for nodes in (1, 2):
            step = self.solver.hidden(nodes, best)
            if step is None:
                self._note_hopeless(nodes)
                break
            # Clear of chance, and a share that is worth a layer that is hard to read. Where
            # most of the loss goes, few rows carried it and their errors are as wide.
            mean, error = best.candidate.valid.excess(0, step.candidate.valid, 0)
            share = mean / float(best.candidate.valid.loss)
            errors = 1.0 if share > MOST_OF_IT else CLEARLY
            accepted = mean > errors * error and share > self.config.ladder_gain
            self._note_stage(step, accepted, share)
            if accepted:
                best = step
            # A product of two features takes two nodes, and may gain little with one.
            elif share <= 0:
                break
        return best if best.stage.nodes else self.solver.additive()

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

    def _note_stage(self, step: Step, accepted: bool, gain: float) -> None:
        self.history.ladder.append(
            {
                "hidden_nodes": step.stage.nodes,
                "train_loss": step.candidate.loss,
                "valid_loss": float(step.candidate.valid.loss),
                "gain": gain,
                "accepted": accepted,
            }
        )

    def _selected(self, step: Step) -> Step:
        if not self.config.select:
            return step
        names = self._edge_names(max(step.stage.nodes, 1))
        if step.stage.nodes or self.config.selection == "one-by-one":
            chosen = eliminate(step.stage, step.candidate, names, self.history)
            return Step(step.stage, chosen)
        return self._tested(step, names)

    def _tested(self, step: Step, names: list[list[str]]) -> Step:
        """Keep the edges that all rows but the test rows ask for."""
        full = step.candidate
        asked = (self.model, self.data, self.config, self.history, self.solver.noise)
        edges = torch.as_tensor(select_features(*asked).mask())
        # All edges stay: the fit is at hand.
        if bool((edges == full.edges.cpu()).all()):
            chosen = full
        else:
            wanted = edges.to(full.edges.device).unsqueeze(0)
            chosen = step.stage.fit(wanted, full.theta)[0]
        path = [full, chosen] if chosen is not full else [full]
        rows = record_path(path, chosen, names, step.stage.nodes)
        self.history.selection.extend(rows)
        return Step(step.stage, chosen)

    def _edge_names(self, nodes: int) -> list[list[str]]:
        targets = [
            latent if nodes == 1 else f"{latent} (node {h + 1})"
            for latent in self.model.latent_names
            for h in range(nodes)
        ]
        return [[f"{x} -> {to}" for to in targets] for x in self.model.feature_names]

    def _reweighted(self, step: Step) -> Step:
        """Refit with weights that follow from the fit, a few times; see `noise`."""
        if not (self.config.reweights or self.solver.grows):
            return step
        passes = [True] * 2
        if self.config.noise == "robust":
            passes = [False] * HUBER_PASSES + [True] * BISQUARE_PASSES
        for last in passes:
            step.stage.store(step.candidate)
            stage = self.solver.reweighted(step, last)
            edges = step.candidate.edges.unsqueeze(0)
            step = Step(stage, stage.fit(edges, step.candidate.theta)[0])
        if self.solver.noise is not None and self.config.noise == "robust":
            weights = self.solver.noise[0][self.data.train.observed]
            share = 100 * float((weights < 0.5).double().mean())
            self.history.say(
                f"Robust weights: {share:.2g} % of the observations count less than half."
            )
        return step

    def _concurvity(self, step: Step) -> None:
        """Say which curves the other features imitate."""
        problem, theta = step.stage.problem, step.candidate.theta.unsqueeze(0)
        edges = step.candidate.edges
        shares = imitated_shares(problem.spline, problem.curves(theta)[0], edges)
        names = self._edge_names(max(step.stage.nodes, 1))
        report(self.history, shares, edges, names)

    # -- constants ------------------------------------------------------------------
    def _doubt(self) -> None:
        """A constant that selection alone pins down is not identified."""
        for name in self.model.decoder.constant_names:
            chosen = self.history.summaries[name]
            full = self.history.summaries[name + ALL_FEATURES]
            if not full.identified and chosen.identified:
                chosen.identified = False
                chosen.reason = f"with all offered features {full.reason}"

    def _profiled(self, step: Step) -> Step:
        """Profile the constants; go on from a better minimum where that finds one."""
        summaries, best = self._profile(step)
        # Closer ends are the same minimum, up to the rows and tolerance of the profile.
        if self._elsewhere(step, summaries):
            edges = step.candidate.edges.unsqueeze(0)
            again = step.stage.fit(edges, best)[0]
            if again.loss < step.candidate.loss:
                self.history.say("The profile led to a better minimum, taken over.")
                step = Step(step.stage, again)
                summaries, _ = self._profile(step)
        self._keep(summaries)
        return step

    def _elsewhere(self, step: Step, summaries: Sequence[ProfileSummary]) -> bool:
        """Whether a profile ends more than three errors from the constants of a step."""
        problem, theta = step.stage.problem, step.candidate.theta.unsqueeze(0)
        scale = self.model.constant_scale
        values = scale.to_physical(problem.constants_of(theta))[0].tolist()
        return any(
            abs(summary.estimate - value) > 3 * summary.error
            for summary, value in zip(summaries, values, strict=True)
        )

    def _profile(self, step: Step) -> tuple[list[ProfileSummary], Tensor]:
        """Profile the constants of a step; also the best point found."""
        problem, theta = step.stage.problem, step.candidate.theta
        if not problem.n_constants:
            return [], theta
        edges = step.candidate.edges.unsqueeze(0)
        whole = held = problem.with_active(problem.mask_of(edges))
        count = self.solver.terms()[0].observations.count
        total = whole.term.n_rows
        rows = self.solver.rows(whole.profile_effort.rows, total).to(theta.device)
        if len(rows) < total:
            held = whole.on_rows(rows)
            # The minimum of some rows lies beside that of all: the profile must begin
            # at its own.
            start = carried_over(held, theta.unsqueeze(0), whole)
            theta = minimise(held, start, 20, 1e-7).theta[0]
            self.history.say(
                f"The profiles were computed on {len(rows)} of the training rows, "
                "chi-square scaled to all."
            )
        more = None if held is whole else self._on_all_rows(step)
        summaries, best = profile_and_bootstrap(held, theta, self.config, count, more)
        # The profile of some rows gives shape and minima; estimate and error are those
        # of all rows, where both have one minimum.
        if held is not whole and not self._elsewhere(step, summaries):
            for number, summary in enumerate(summaries):
                if len(summary.minima) == 1:
                    estimated = estimate(whole, step.candidate.theta, number)
                    summary.estimate, summary.error = estimated
                    summary.minima = [(estimated[0], 0.0)]
        return summaries, best

    def _on_all_rows(self, step: Step) -> AnyProblem:
        """The problem of a step on all training rows, its dropped edges held."""
        problem = self.solver.whole(step.stage.problem)
        return problem.with_active(problem.mask_of(step.candidate.edges.unsqueeze(0)))

    def _keep(self, summaries: Sequence[ProfileSummary], tail: str = "") -> None:
        """Put profiles into the history; `tail` marks their names."""
        for summary in summaries:
            summary.rename(summary.name + tail)
            self.history.summaries[summary.name] = summary
            self.history.profiles.extend(summary.points)
