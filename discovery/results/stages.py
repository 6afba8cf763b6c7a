"""discover: prune, find equations, refit, verify, and say how sure all of it is."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.notes import composition_notes, decision_notes
from discovery.results.result import Discovery
from discovery.runs.checkpoints import Checkpoints, frame_of, frame_record
from discovery.runs.training import Training
from discovery.verdict.record import Verdict
from symbolic.options import SymbolicOptions, check_edges, options_of

if TYPE_CHECKING:
    import pandas as pd

    from discovery.uncertainty.record import Uncertainty
    from sciren.data import Table
    from sciren.inference.intervals.bands import Band
    from sciren.inference.selection import Selection
    from sciren.model import ScIReN
    from sciren.training import History
    from symbolic.model.symbolic_model import SymbolicModel

Say = Callable[[str], None]

SLOW = (
    "No formula of several features was sought: slow noise explains the series as well as "
    "they do; other sites or seasons would settle it."
)

EFFECT_ROWS = 250  # training rows behind the importance: as many as its two digits need


def discover(
    model: "ScIReN",
    table: "Table",
    valid: "Table | None" = None,
    test: "Table | None" = None,
    *,
    history: "History | Training | None" = None,
    options: SymbolicOptions | Mapping[str, Any] | Sequence[str] | None = None,
    truth: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    say: Say | None = None,
    keep: Checkpoints | None = None,
    **keywords: Any,
) -> Discovery:
    """Turn a trained model into verified equations: prune, symbolify, refit, verify.

    Args:
        model: trained by `sciren.fit`; it is not changed.
        table: training rows;  valid, test: held-out rows, where there are any.
        history: what `fit` returned; with it the profiles and the record are kept, and
            edges are pruned only where validation did not choose them already.
        options: what the user decides, see `symbolic.SymbolicOptions`.
        truth: latent -> true values at the positions of ``row_ids``, where known.
        seed: of resamples, and of the rows behind the importance; it does not decide what
            is found.
        say: hears what is going on.
        keep: stages that are finished already, and where to keep others.
        keywords: fields of the options by their names, such as ``bootstrap=0``; they go
            before ``options``.
    Raises:
        ConfigError: an option, a family or an edge that does not exist.

    ```python
    split = make_respiration("linear", seed=0).tables()
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    history = fit(model, split.train, split.valid)
    result = discover(model, *split, history=history)
    print(result.latex(), result.constants, result.verdict)
    ```
    """
    decided = options_of(options, keywords)
    # A misspelt edge is refused now, not after the work that it was meant for.
    check_edges(decided, table.feature_names, dict.fromkeys(model.latent_names))
    given = {"train": table, "valid": valid, "test": test}
    parts = {name: part for name, part in given.items() if part is not None}
    training = Training.of(model, history)
    task = _Task(
        model, parts, training, decided, dict(truth or {}), seed, say or _silent,
        keep or Checkpoints(),
    )  # fmt: skip
    return task.run()


def _silent(message: str) -> None:
    """Say nothing."""


@dataclass
class _Task:
    """One discovery: what goes in, and the notes that gather on the way."""

    model: "ScIReN"
    parts: "dict[str, Table]"
    training: Training
    options: SymbolicOptions
    truth: dict[str, np.ndarray]
    seed: int
    say: Say
    keep: Checkpoints
    notes: list[str] = field(default_factory=list)

    def run(self) -> Discovery:
        from discovery.results.frames import (
            candidates_table,
            importance_table,
            profiles_table,
        )
        from discovery.results.scoring import latent_scores, predictors, target_scores
        from discovery.results.uncertainty import with_doubts

        model, table = self.model, self.parts["train"]
        self.notes += decision_notes(self.options)
        # 1. Equations, verified. 2. Profiles of constants over them, where the training
        # has none. 3. Intervals. 4. Scores on every part. 5. The verdict, which needs
        # all of these. What is finished comes from `keep`.
        equations = self._equations()
        training = self.training
        if equations is not None:
            training = training.with_profiles_of(equations, model, table, self.keep)
        constants, replicates, uncertainty = self._constants(equations, training)
        bands = self._given_bands(equations) if uncertainty is None else None
        scores = target_scores(self.parts, predictors(model, equations))
        for part, others in training.baselines.items():
            scores.setdefault(part, {}).update(others)
        result = Discovery(
            model,
            equations,
            constants,
            training.identification,
            scores,
            latent_scores(self.parts, self.truth, model, equations),
            importance_table(model, equations, table, EFFECT_ROWS, self.seed),
            candidates_table(training.candidates, equations),
            profiles_table(training.profiles),
            training.history,
            # Each sentence once, in the order in which it was said first.
            tuple(dict.fromkeys((*training.notes, *self.notes))),
            training.notes,
            replicates,
            uncertainty=uncertainty,
            given_bands=bands,
        )
        result.verdict = self._verdict(result)
        # The verdict comes last and may doubt a constant whose profile looked sharp.
        result.constants = with_doubts(constants, result.verdict)
        if uncertainty is not None:  # what is missing also widens intervals of means
            lack = result.verdict.lack_of_fit
            result.uncertainty = replace(uncertainty, lack_of_fit=lack)
        return result

    def _verdict(self, result: Discovery) -> Verdict:
        """Judge the equations on held-out blocks, unless that is done already."""
        from discovery.verdict.judging import judge

        def judged() -> dict[str, Any]:
            self.say("verdict: held-out blocks, what is missing, what is identified")
            return judge(
                result.equations,
                self.model,
                self.parts,
                result.process_constants,
                result.identification,
                result.uncertainty,
            ).to_json()

        verdict = Verdict.from_json(self.keep.data("verdict", judged))
        self.say(f"verdict: {verdict.line()}")
        return verdict

    def _equations(self) -> "SymbolicModel | None":
        """Fit closed forms to the edges that count, and verify them."""
        from discovery.results.obstacles import equations_obstacle

        obstacle = equations_obstacle(self.model)
        if obstacle is not None:
            self.notes.append(f"There are no equations, because {obstacle}.")
            return None
        thinner = self._pruned()
        equations = self.keep.equations(lambda: self._verified(thinner))
        self._note_constants(equations)
        self.notes += composition_notes(equations)
        return equations

    def _note_constants(self, equations: "SymbolicModel") -> None:
        """Say which units do not fit, and what the data cannot tell apart."""
        from symbolic.printing.contents import (
            dependence_notes,
            equals_notes,
            residual_notes,
            unit_problems,
        )

        self.notes += [
            f"Units: {unit_problem}." for unit_problem in unit_problems(equations)
        ]
        self.notes += equals_notes(equations)
        self.notes += residual_notes(equations)
        self.notes += dependence_notes(equations)

    def _verified(self, thinner: "ScIReN") -> "SymbolicModel":
        from symbolic import symbolify, verify

        train, options = self.parts["train"], self.options
        self.say("equations: closed forms compete on the data")
        # What slow noise explains as well as any curves do, a formula of several
        # features would only explain by chance.
        if options.compose and self._selected is not None and self._selected.slow:
            options = options.changed(compose=0.0)
            self.notes.append(SLOW)
        # The search draws rows and starts by a seed of its own, because the same data
        # have to give the same equations, wherever a training began.
        equations = symbolify(thinner, train, options, bands=self._bands(thinner))
        held_out = self.parts.get("valid"), self.parts.get("test")
        self.say(
            f"consistency: {verify(equations, self.model, train, *held_out).verdict}"
        )
        return equations

    @property
    def _choosing(self) -> "list[Table]":
        """Parts that may choose: test rows are left out, so that they can judge."""
        return [self.parts[name] for name in ("train", "valid") if name in self.parts]

    @cached_property
    def _selected(self) -> "Selection | None":
        """Features by tests on these rows, which equations and intervals both ask for."""
        from discovery.uncertainty.infer import selected_or_reason

        tested = self.training.tested.selection
        return selected_or_reason(self.model, self._choosing, tested)[0]

    def _bands(self, thinner: "ScIReN") -> "tuple[Band, ...]":
        """Bands of the learned curves, in which closed forms have to stay."""
        from discovery.uncertainty.infer import bands_of_curves
        from sciren.inference.skill.held_out import UNFIT

        if self._selected is None:
            return ()
        try:
            return bands_of_curves(thinner, self._selected)
        except UNFIT:
            return ()  # the reason is told where intervals are asked for

    def _pruned(self) -> "ScIReN":
        """Leave out weak edges in a copy, unless validation has chosen already."""
        from sciren import prune
        from sciren.encoders import AdditiveEncoder, KANEncoder

        model = self.model
        can = isinstance(model.encoder, KANEncoder | AdditiveEncoder)
        # Validation chose edges by what they are worth on other rows; a threshold of
        # importance would choose a second time.
        if self.training.selected or not can:
            return model
        # The network of the user keeps its weak edges; only what becomes equations
        # loses them.
        thinner = copy.deepcopy(model)
        removed = prune(thinner, self.parts["train"], self.options.threshold)
        if removed:
            names = ", ".join(f"{edge.source} -> {edge.target}" for edge in removed)
            self.notes.append(
                f"Left out, with less than {self.options.threshold:.0%} of the importance: "
                f"{names}."
            )
        return thinner

    def _constants(
        self, equations: "SymbolicModel | None", training: Training
    ) -> "tuple[pd.DataFrame, pd.DataFrame | None, Uncertainty | None]":
        """Estimates, intervals and verdicts of all constants; resamples; uncertainty."""
        from discovery.results.uncertainty import network_constants, with_verdicts
        from discovery.uncertainty.constants import with_alternatives, with_recommended

        model, profiles, drawn = self.model, training.identification, None
        if equations is None:
            frame = network_constants(model, profiles)
        else:
            record = self.keep.data(
                "constants", lambda: self._intervals(equations, training)
            )
            drawn = frame_of(record["replicates"])
            frame = frame_of(record["constants"])
        uncertainty = self._uncertainty(equations)
        # Before the recommended numbers take their place, those of the equations join
        # the table of alternatives.
        if uncertainty is not None and equations is not None:
            uncertainty = with_alternatives(uncertainty, frame, profiles)
        return (
            with_verdicts(with_recommended(frame, uncertainty), profiles, model),
            None if drawn is None or drawn.empty else drawn,
            uncertainty,
        )

    def _uncertainty(self, equations: "SymbolicModel | None") -> "Uncertainty | None":
        """Intervals that count the selection, on the rows that may choose."""
        from discovery.uncertainty.constants import dependence_notes
        from discovery.uncertainty.families import outside_notes
        from discovery.uncertainty.infer import inferred_or_reason
        from discovery.uncertainty.record import Uncertainty

        def inferred() -> dict[str, Any]:
            self.say("uncertainty: intervals, bands, held-out predictions")
            result, why = inferred_or_reason(
                self.model, self._choosing, equations, self._selected
            )
            return {"why": why, "result": result and result.to_json()}

        record = self.keep.data("uncertainty", inferred)
        if record["result"] is None:
            self.notes.append(f"No interval counts the selection: {record['why']}.")
            return None
        uncertainty = Uncertainty.from_json(record["result"])
        self.notes += [*dependence_notes(uncertainty), *outside_notes(uncertainty)]
        return uncertainty

    def _given_bands(self, equations: "SymbolicModel | None") -> "pd.DataFrame":
        """Bands of the curves of the equations, where not every edge is tested."""
        from discovery.uncertainty.infer import bands_of_equations

        def banded() -> dict[str, Any]:
            self.say("uncertainty: bands of the curves of the equations")
            tables = [self.parts[k] for k in ("train", "valid") if k in self.parts]
            bands = bands_of_equations(self.model, tables, equations)
            return {"bands": frame_record(bands)}

        bands = frame_of(self.keep.data("bands", banded)["bands"])
        if not bands.empty:
            self.notes.append(
                "The bands of curves take the edges of the equations as given."
            )
        return bands

    def _intervals(
        self, equations: "SymbolicModel", training: Training
    ) -> dict[str, Any]:
        """Estimates and intervals of all constants of the equations, as plain data."""
        from discovery.results.intervals import replicates_table
        from discovery.results.joint_draws import draws_with_classes
        from discovery.results.uncertainty import bootstrap_equations, constant_rows

        model, draws = self.model, None
        if self.options.bootstrap:
            self.say(f"intervals: {self.options.bootstrap} resamples of blocks")
            draws = bootstrap_equations(
                equations,
                model,
                self.parts["train"],
                self.options.bootstrap,
                self.seed,
                training.other_minima(),
            )
        with_classes = draws_with_classes(equations, model, self.parts["train"])
        return {
            "constants": frame_record(constant_rows(equations, draws)),
            "replicates": frame_record(
                replicates_table(draws) if with_classes is None else with_classes
            ),
        }
