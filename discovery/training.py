"""What a training leaves behind, as the later stages and the run folder need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from discovery.identification import (
    EQUATIONS,
    KEPT,
    Identification,
    equation_summaries,
    identifications,
    profile_rows,
)

if TYPE_CHECKING:
    import pandas as pd

    from discovery.prepare import Study
    from discovery.scoring import Scores
    from sciren.data import Table
    from sciren.model import ScIReN
    from sciren.training import History, TrainConfig
    from sciren.training.progress import Progress
    from symbolic.symbolic_model import SymbolicModel

Row = dict[str, Any]


@dataclass(frozen=True)
class Training:
    """Record of one training, independent of the engine.

    Args:
        model: trained.
        history: one row a step.
        candidates: one row a rung of the ladder, a set of edges, a member.
        profiles: one row a point of a profile.
        identification: what the profiles say.
        baselines: part -> baseline -> target -> score.
        selected: whether validation chose the edges.
        notes: sentences for the report.
    """

    model: "ScIReN"
    history: "pd.DataFrame"
    candidates: tuple[Row, ...] = ()
    profiles: tuple[Row, ...] = ()
    identification: tuple[Identification, ...] = ()
    baselines: "Scores" = field(default_factory=dict)
    selected: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: "ScIReN", history: "History | Training | None") -> "Training":
        """Take over what `fit` returned; without it nothing is known."""
        import pandas as pd

        if isinstance(history, Training):
            return replace(history, model=model)
        if history is None:
            return cls(model, pd.DataFrame())
        tried = [{"stage": "ladder"} | one for one in history.ladder]
        tried += [{"stage": "edges"} | one for one in history.selection]
        notes = (f"Engine: {history.reason}.", *history.messages)
        return cls(
            model,
            history.frame(),
            tuple(tried),
            tuple(profile_rows(history.profiles)),
            tuple(identifications(history.summaries)),
            selected=bool(history.selection),
            notes=notes,
        )

    def with_profiles_of(
        self, equations: "SymbolicModel", model: "ScIReN", table: "Table"
    ) -> "Training":
        """Add the profile over the equations where the training has none."""
        known = {one.constant for one in self.identification}
        if not set(model.decoder.constant_names) - known:
            return self
        summaries = equation_summaries(equations, model, table)
        points = [point for one in summaries.values() for point in one.points]
        return replace(
            self,
            profiles=(*self.profiles, *profile_rows(points, EQUATIONS)),
            identification=(
                *self.identification,
                *identifications(summaries, EQUATIONS),
            ),
        )

    def other_minima(self, most: int = 4) -> list[dict[str, float]]:
        """Return constant -> value for the competing minima of the kept features."""
        found = []
        for one in self.identification:
            if one.model == KEPT:
                others = [v for v in one.near_minima if v != one.estimate]
                found += [{one.constant: value} for value in others[:most]]
        return found


def train(
    study: "Study",
    config: "TrainConfig",
    progress: "Progress | None" = None,
    notes: Sequence[str] = (),
) -> Training:
    """Train the model of a study, and the baselines where they are asked for.

    The ladder is climbed only where the rows are enough for a deeper encoder.

    Args:
        study: data and process model.
        config: settings of the training.
        progress: hears every step.
        notes: what is known about the data already.
    """
    from discovery.baselines import baselines
    from discovery.build import enough_rows, model_of
    from discovery.members import train_members
    from discovery.records import PARTS
    from discovery.scoring import target_scores
    from sciren.training import fit

    split, decoder = study.split, study.decoder
    model = model_of(study.config, decoder)
    notes = list(notes)
    latents = len(decoder.latent_names)
    if config.ladder and not enough_rows(split.train, model.encoder.n_inputs, latents):
        config = config.replace(ladder=False)
        notes.append(
            "No hidden layer was tried, because there are fewer observations than it "
            "has coefficients."
        )
    history = fit(model, split.train, split.valid, config, progress)
    found = Training.of(model, history)
    members, said = train_members(study, model, config, progress)
    notes += said
    scores: Scores = {}
    if study.config.discovery.baselines:
        if progress is not None:
            progress.say("baselines: constant latents and a small perceptron")
        parts: Mapping[str, Table] = dict(zip(PARTS, split, strict=True))
        scores = target_scores(parts, baselines(model, split, config, progress))
    return replace(
        found,
        candidates=(*found.candidates, *members),
        baselines=scores,
        notes=(*found.notes, *notes),
    )
