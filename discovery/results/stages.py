"""discover: prune, find equations, refit, verify, and say how sure all of it is."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from discovery.results.result import Discovery
from discovery.runs.checkpoints import frame_of, frame_record
from discovery.runs.training import Training

if TYPE_CHECKING:
    import pandas as pd

    from discovery.runs.checkpoints import Checkpoints
    from sciren.data import Table
    from sciren.model import ScIReN
    from sciren.training import History
    from symbolic.model.symbolic_model import SymbolicModel

Say = Callable[[str], None]

EFFECT_ROWS = 1000  # rows of the training data behind the importance of features
USUAL = ("linear", "quadratic", "exp", "log", "abs")


def discover(
    model: "ScIReN",
    table: "Table",
    valid: "Table | None" = None,
    test: "Table | None" = None,
    *,
    history: "History | Training | None" = None,
    families: Sequence[str] | None = None,
    pins: Mapping[str, str] | None = None,
    forbid: Mapping[str, Sequence[str]] | None = None,
    shapes: Mapping[str, str] | None = None,
    model_selection: str | int = "bic",
    complexity: Mapping[str, float] | None = None,
    unit_problems: Literal["warn", "error", "ignore"] = "warn",
    unit_mode: Literal["free", "dimensionless"] = "free",
    compose: float | None = None,
    threshold: float = 0.03,
    bootstrap: int = 200,
    search_rows: int = 8000,
    truth: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    say: Say | None = None,
    keep: "Checkpoints | None" = None,
) -> Discovery:
    """Turn a trained model into verified equations: prune, symbolify, refit, verify.

    Args:
        model: trained by `sciren.fit`; it is not changed.
        table: training rows;  valid, test: held-out rows, where there are any.
        history: what `fit` returned; with it the profiles and the record are kept, and
            edges are pruned only where validation did not choose them already.
        families, pins, forbid, shapes, model_selection, complexity, unit_problems,
            unit_mode, compose, search_rows: see `symbolic.symbolify`.
        threshold: edges below this share of importance are left out.
        bootstrap: resamples of blocks for the intervals of the constants; 0 for none.
        truth: latent -> true values at the positions of ``row_ids``, where known.
        seed: of everything random.
        say: hears what is going on.
        keep: stages that are finished already, and where to keep others.
    Raises:
        ConfigError: families, pins or forbidden families that do not exist.

    ```python
    split = make_respiration("linear", seed=0).tables()
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    history = fit(model, split.train, split.valid)
    found = discover(model, *split, history=history)
    print(found.latex(), found.constants, found.verdict)
    ```
    """
    from discovery.config.choices import check_choices
    from discovery.runs.checkpoints import Checkpoints

    check_choices(
        table.feature_names, model.latent_names, families, pins, forbid, shapes
    )
    given = {"train": table, "valid": valid, "test": test}
    task = _Task(
        model,
        {name: part for name, part in given.items() if part is not None},
        Training.of(model, history),
        tuple(families) if families else None,
        dict(pins or {}),
        {name: tuple(some) for name, some in (forbid or {}).items()},
        {
            "shapes": dict(shapes or {}),
            "model_selection": model_selection,
            "complexity": dict(complexity or {}),
            "unit_problems": unit_problems,
            "unit_mode": unit_mode,
            "compose": compose,
            "search_rows": search_rows,
        },
        threshold,
        bootstrap,
        dict(truth or {}),
        seed,
        say or _silent,
        keep or Checkpoints(),
    )
    return task.run()


def composition_notes(equations: "SymbolicModel") -> list[str]:
    """Say which latents were sought as one formula, and what came of it."""
    said = {
        "taken": "is a better formula by {gap:.3g} units of the criterion and was taken",
        "agrees": "is what was found edge by edge as well",
        "beaten": "is worse by {gap:.3g} units of the criterion and was not taken",
        "refused": "was refused: {reason}",
        "not sought": "{reason}",
    }
    notes = []
    for one in equations.settings.get("compositions", ()):
        gap = abs(one["gap"]) if one["gap"] is not None else 0.0
        what = said[one["verdict"]].format(gap=gap, reason=one["reason"])
        start = f", started from {one['origin']}" if one["origin"] else ""
        found = f" {one['structure']}" if one["structure"] else ""
        notes.append(f"{one['latent']} as one formula{start}:{found} {what}.")
    return notes


def _silent(message: str) -> None:
    """Say nothing."""


@dataclass
class _Task:
    """One discovery: what goes in, and the notes that gather on the way."""

    model: "ScIReN"
    parts: "dict[str, Table]"
    training: Training
    families: tuple[str, ...] | None
    pins: dict[str, str]
    forbid: dict[str, tuple[str, ...]]
    wishes: dict[str, Any]
    threshold: float
    bootstrap: int
    truth: dict[str, np.ndarray]
    seed: int
    say: Say
    keep: "Checkpoints"
    notes: list[str] = field(default_factory=list)

    def run(self) -> Discovery:
        from discovery.results.frames import (
            candidates_table,
            importance_table,
            profiles_table,
        )
        from discovery.results.scoring import latent_scores, predictors, target_scores

        model, table = self.model, self.parts["train"]
        self._note_choices()
        equations = self._equations()
        training = self.training
        if equations is not None:
            training = training.with_profiles_of(equations, model, table, self.keep)
        constants, replicates = self._constants(equations, training)
        scores = target_scores(self.parts, predictors(model, equations))
        for part, others in training.baselines.items():
            scores.setdefault(part, {}).update(others)
        return Discovery(
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
            tuple(dict.fromkeys((*training.notes, *self.notes))),
            training.notes,
            replicates,
        )

    def _note_choices(self) -> None:
        """Say what the user decided."""
        if self.families is not None and set(self.families) != set(USUAL):
            names = ", ".join(self.families)
            self.notes.append(f"The user allowed the families {names}.")
        for edge, family in self.pins.items():
            self.notes.append(f"The user chose {family} for {edge}.")
        for edge, names in self.forbid.items():
            self.notes.append(f"The user forbade {', '.join(names)} for {edge}.")
        for edge, shape in self.wishes["shapes"].items():
            self.notes.append(f"The user required {edge} to be {shape}.")
        if self.wishes["model_selection"] != "bic":
            rule = self.wishes["model_selection"]
            self.notes.append(f"The user chose among the candidates by {rule!r}.")
        for name, weight in self.wishes["complexity"].items():
            self.notes.append(f"The user weighed {name} with {weight:g} nodes.")
        if self.wishes["unit_mode"] != "free":
            self.notes.append("The user required constants without units.")
        if self.wishes["compose"] == 0:
            self.notes.append("The user wanted no formulas of whole latents.")

    def _equations(self) -> "SymbolicModel | None":
        """Fit closed forms to the edges that count, and verify them."""
        from discovery.config.choices import equations_obstacle

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
        """Say which units do not fit, and which constants depend on each other."""
        from symbolic.printing.contents import (
            dependence_notes,
            residual_notes,
            unit_problems,
        )

        self.notes += [f"Units: {one}." for one in unit_problems(equations)]
        self.notes += residual_notes(equations)
        self.notes += dependence_notes(equations)

    def _verified(self, thinner: "ScIReN") -> "SymbolicModel":
        from symbolic import symbolify, verify

        train = self.parts["train"]
        self.say("equations: closed forms compete on the data")
        equations = symbolify(
            thinner,
            train,
            self.families,
            self.pins,
            self.forbid,
            seed=self.seed,
            **self.wishes,
        )
        self._mark_user(equations)
        found = verify(
            equations,
            self.model,
            train,
            self.parts.get("valid"),
            self.parts.get("test"),
        )
        self.say(f"verification: {found.verdict}")
        return equations

    def _pruned(self) -> "ScIReN":
        """Leave out weak edges in a copy, unless validation has chosen already."""
        from sciren import prune
        from sciren.encoders import AdditiveEncoder, KANEncoder

        model = self.model
        can = isinstance(model.encoder, KANEncoder | AdditiveEncoder)
        if self.training.selected or not can:
            return model
        thinner = copy.deepcopy(model)
        removed = prune(thinner, self.parts["train"], self.threshold)
        if removed:
            names = ", ".join(f"{edge.source} -> {edge.target}" for edge in removed)
            self.notes.append(
                f"Left out, with less than {self.threshold:.0%} of the importance: "
                f"{names}."
            )
        return thinner

    def _mark_user(self, equations: "SymbolicModel") -> None:
        """Record as the user's the edges whose families the user restricted."""
        edges = equations.edges
        for key in (*self.forbid, *self.pins, *self.wishes["shapes"]):
            source, _, latent = key.partition(" -> ")
            mine = (edges["source"] == source) | (edges["latent"] == key)
            if latent:
                mine &= edges["latent"] == latent
            edges.loc[mine & (edges["status"] != "dropped"), "chosen"] = "user"

    def _constants(
        self, equations: "SymbolicModel | None", training: Training
    ) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
        """Estimates, intervals and verdicts of all constants; their resamples."""
        from discovery.results.uncertainty import network_constants, with_verdicts

        model, known = self.model, training.identification
        if equations is None:
            return with_verdicts(network_constants(model, known), known, model), None
        record = self.keep.data(
            "constants", lambda: self._intervals(equations, training)
        )
        drawn = frame_of(record["replicates"])
        return (
            with_verdicts(frame_of(record["constants"]), known, model),
            None if drawn.empty else drawn,
        )

    def _intervals(
        self, equations: "SymbolicModel", training: Training
    ) -> dict[str, Any]:
        """Estimates and intervals of all constants of the equations, as plain data."""
        from discovery.results.intervals import replicates_table
        from discovery.results.uncertainty import bootstrap_equations, constant_rows

        model, draws = self.model, None
        if self.bootstrap:
            self.say(f"intervals: {self.bootstrap} resamples of blocks")
            draws = bootstrap_equations(
                equations,
                model,
                self.parts["train"],
                self.bootstrap,
                self.seed,
                training.other_minima(),
            )
        return {
            "constants": frame_record(constant_rows(equations, draws)),
            "replicates": frame_record(replicates_table(draws)),
        }
