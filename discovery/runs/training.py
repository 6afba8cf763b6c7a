"""What a training leaves behind, as the later stages and the run folder need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from discovery.results.identification import (
    EQUATIONS,
    KEPT,
    Identification,
    equation_summaries,
    identifications,
    profile_rows,
)
from discovery.runs.checkpoints import frame_of, frame_record
from sciren.training.history import Tested

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.scoring import Scores
    from discovery.runs.checkpoints import Checkpoints
    from discovery.tables.study import SeriesStudy, Study
    from sciren.data import Table
    from sciren.model import ScIReN
    from sciren.training import History, TrainConfig
    from sciren.training.progress import Progress
    from symbolic.model.symbolic_model import SymbolicModel

Row = dict[str, Any]


@dataclass(frozen=True)
class Training:
    """Record of one training, independent of the engine.

    Args:
        model: trained.
        history: one row a step.
        candidates: one row a stage of the ladder, a set of edges, a member.
        profiles: one row a point of a profile.
        identification: what the profiles say.
        baselines: part -> baseline -> target -> score.
        selected: whether validation chose the edges.
        notes: sentences for the report.
        noise: of series, as `discovery.dynamics.noise` reads it; None of rows.
        tested: the selection of features, while the process lives.
    """

    model: "ScIReN"
    history: "pd.DataFrame"
    candidates: tuple[Row, ...] = ()
    profiles: tuple[Row, ...] = ()
    identification: tuple[Identification, ...] = ()
    baselines: "Scores" = field(default_factory=dict)
    selected: bool = False
    notes: tuple[str, ...] = ()
    noise: Row | None = None
    tested: Tested = field(default_factory=Tested, compare=False)

    @classmethod
    def of(cls, model: "ScIReN", history: "History | Training | None") -> "Training":
        """Take over what `fit` returned; without it nothing is known."""
        import pandas as pd

        from discovery.dynamics.noise import noise_record

        if isinstance(history, Training):
            return replace(history, model=model)
        if history is None:
            return cls(model, pd.DataFrame())
        # One table for all that was tried; the stage says which columns a row has.
        tried = [{"stage": "ladder"} | step for step in history.ladder]
        tried += [{"stage": "edges"} | step for step in history.selection]
        tried += [{"stage": "tests"} | edge for edge in history.edges]
        notes = (f"Engine: {history.reason}.", *history.messages)
        return cls(
            model,
            history.frame(),
            tuple(tried),
            tuple(profile_rows(history.profiles)),
            tuple(identifications(history.summaries)),
            selected=bool(history.selection),
            notes=notes,
            noise=noise_record(history),
            tested=history.tested,
        )

    @classmethod
    def from_record(cls, model: "ScIReN", record: Mapping[str, Any]) -> "Training":
        """Read what `record` wrote."""
        fields: dict[str, Any] = dict(record)
        fields["history"] = frame_of(fields["history"])
        fields["identification"] = tuple(
            map(Identification.from_json, fields["identification"])
        )
        for name in ("candidates", "profiles", "notes"):
            fields[name] = tuple(fields[name])
        return cls(model, **fields)

    def record(self) -> dict[str, Any]:
        """Return everything but the model as plain data."""
        return {
            "history": frame_record(self.history),
            "candidates": list(self.candidates),
            "profiles": list(self.profiles),
            "identification": [profile.to_json() for profile in self.identification],
            "baselines": self.baselines,
            "selected": self.selected,
            "notes": list(self.notes),
            "noise": self.noise,
        }

    def with_profiles_of(
        self,
        equations: "SymbolicModel",
        model: "ScIReN",
        table: "Table",
        keep: "Checkpoints",
    ) -> "Training":
        """Add the profile over the equations where the training has none."""
        profiled = {identification.constant for identification in self.identification}
        # The Gauss-Newton engine profiles while it trains; gradient steps leave it to
        # the equations.
        if not set(model.decoder.constant_names) - profiled:
            return self

        def compute() -> dict[str, Any]:
            summaries = equation_summaries(equations, model, table)
            points = [
                point for summary in summaries.values() for point in summary.points
            ]
            judged = identifications(summaries, EQUATIONS)
            return {
                "points": profile_rows(points, EQUATIONS),
                "identification": [summary.to_json() for summary in judged],
            }

        stored = keep.data("profiles", compute)
        judged = map(Identification.from_json, stored["identification"])
        return replace(
            self,
            profiles=(*self.profiles, *stored["points"]),
            identification=(*self.identification, *judged),
        )

    def other_minima(self, most: int = 4) -> list[dict[str, float]]:
        """Return constant -> value for the competing minima of the kept features."""
        minima = []
        for profile in self.identification:
            if profile.model == KEPT:
                others = [v for v in profile.near_minima if v != profile.estimate]
                minima += [{profile.constant: value} for value in others[:most]]
        return minima


def train(
    study: "Study | SeriesStudy",
    config: "TrainConfig",
    progress: "Progress | None" = None,
    notes: Sequence[str] = (),
    keep: "Checkpoints | None" = None,
) -> Training:
    """Train the model of a study, and the baselines where they are asked for.

    The ladder is climbed only where the rows are enough for a deeper encoder. Series have
    neither ladder nor members: their groups are too few, and constant latents are scored
    where the equations are.

    Args:
        study: data and process model.
        config: settings of the training.
        progress: hears every step.
        notes: what is known about the data already.
        keep: stages that are finished already, and where to keep others.
    """
    from discovery.config.build import model_of
    from discovery.results.members import train_members
    from discovery.runs.checkpoints import Checkpoints
    from discovery.tables.study import SeriesStudy

    keep = keep or Checkpoints()
    decoder = study.decoder
    ladder, why = _ladder(study, config)
    config, notes = config.replace(ladder=ladder), [*notes, *why]

    tested = Tested()

    def first() -> "tuple[ScIReN, dict[str, Any]]":
        # Built inside: a training that is finished already needs no new model.
        model = model_of(study.config, decoder)
        history = _fitted(study, model, keep.during_training(config), progress)
        tested.selection = history.tested.selection
        return model, Training.of(model, history).record()

    training = replace(Training.from_record(*keep.model(decoder, first)), tested=tested)
    if isinstance(study, SeriesStudy):
        keep.forget_training()
        return replace(training, notes=(*training.notes, *notes))
    # 1. The first model. 2. Members. 3. Baselines. Each is kept as soon as it is there.
    members, said = keep.data(
        "members",
        lambda: train_members(
            study, training.model, keep.during_training(config, "members"), progress
        ),
    )
    keep.forget_training()
    return replace(
        training,
        candidates=(*training.candidates, *members),
        baselines=_baselines(study, training.model, config, progress, keep),
        notes=(*training.notes, *notes, *said),
    )


def _fitted(
    study: "Study | SeriesStudy",
    model: "ScIReN",
    config: "TrainConfig",
    progress: "Progress | None",
) -> "History":
    """Train on the rows or series of a study, or on all rows that it is a sample of."""
    from discovery.tables.study import Study
    from sciren.training import fit, fit_many_rows

    train, valid = study.split.train, study.split.valid
    if isinstance(study, Study) and study.blocks:
        return fit_many_rows(
            model, study.blocks, study.split.valid, config, None, progress, study.read
        )
    # `fit` takes rows or series, of which a study holds one kind
    return fit(model, cast("Any", train), cast("Any", valid), config, progress)


def _ladder(
    study: "Study | SeriesStudy", config: "TrainConfig"
) -> tuple[bool, list[str]]:
    """Return whether hidden layers are tried, and why not where the user wanted them."""
    from discovery.config.build import enough_rows
    from discovery.tables.study import SeriesStudy

    if isinstance(study, SeriesStudy) or not config.ladder:
        return False, []
    if study.blocks:
        return False, [
            "No hidden layer was tried, because blocks of rows are solved with one layer."
        ]
    latents, features = len(study.decoder.latent_names), len(study.config.features)
    if enough_rows(study.split.train, features, latents):
        return True, []
    return False, [
        "No hidden layer was tried, because there are fewer observations than it has "
        "coefficients."
    ]


def _baselines(
    study: "Study",
    model: "ScIReN",
    config: "TrainConfig",
    progress: "Progress | None",
    keep: "Checkpoints",
) -> "Scores":
    """Score the models that every encoder has to beat."""
    if not study.config.discovery.baselines:
        return {}

    def compute() -> "Scores":
        from discovery.results.baselines import baselines
        from discovery.results.scoring import target_scores
        from discovery.tables.records import PARTS

        if progress is not None:
            progress.say("baselines: constant latents and a small perceptron")
        parts: Mapping[str, Table] = dict(zip(PARTS, study.split, strict=True))
        fits = baselines(model, study.split, config, progress)
        return target_scores(parts, fits)

    return keep.data("baselines", compute)
