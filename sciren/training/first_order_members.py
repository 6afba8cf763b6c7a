"""Many models trained by gradients, those that can in one grouped loop."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from sciren.comparison import Observations
from sciren.errors import TrainingError
from sciren.training.grouped_rows import same
from sciren.training.grouped_run import Group, GroupRun
from sciren.training.member import Member
from sciren.training.noise import noise_weights
from sciren.training.progress import Progress, Silence
from sciren.training.resume import (
    PASSIVE,
    Checkpoint,
    hash_table,
    hash_tensors,
    read_settings,
)

# Settings in which the members of one group may differ: numbers that only weigh.
FREE = {
    "seed", "epochs", "patience", "min_delta", "learning_rate", "schedule",
    "constant_rate_factor", "weight_decay", "entropy", "l1", "smooth", "smooth_inner",
    "smooth_outer", "violation", "offset",
}  # fmt: skip
# Settings that this training does not read.
UNREAD = {
    "engine", "preset", "scaling", "latent_scale", "smooth_choices", "max_iterations",
    "starts", "start_rows", "start_iterations", "polish", "max_coefficients", "select",
    "selection", "ladder", "ladder_gain", "bootstrap", "profiles", "profile_points",
    "profile_range",
}  # fmt: skip


def train_members(members: Sequence[Member], progress: Progress | None = None) -> None:
    """Train every member in place by AdamW on mini-batches, as many as possible at once.

    Each member keeps its own rates, penalties, constants, early stopping and best
    weights, and ends as it would alone. Members with one shape of encoder, one process
    model and as many rows take their steps as one model; those that share seed and rows
    also share their batches. The models work as copies in ``config.precision`` on
    ``config.device`` and are written back once, so that an error leaves them untouched.
    With proportional noise a second pass follows, with weights 1 / prediction^2.

    Args:
        members: with scaling, knots and starting values set. Their histories get one row
            an epoch, with every term of the loss as a mean over the batches, and
            ``valid``, the data term on the validation rows.
        progress: who wants to hear about it; numbers are means over the members.
    Raises:
        TrainingError: nothing observed, an unusable device, or a loss that is not finite.
    Reference: Loshchilov and Hutter 2019 (AdamW); Smith 2018 (one-cycle).
    """
    listener = Silence() if progress is None else progress
    for member in members:
        _check_observed(member)
    _train_all(members, "train", {}, listener)
    again = [
        number
        for number, member in enumerate(members)
        if member.config.noise != "constant"
    ]
    factors = {id(members[k]): _factors(members[k]) for k in again}
    _train_all([members[k] for k in again], "train, reweighted", factors, listener)


def _factors(member: Member) -> tuple[Tensor, Tensor]:
    law = member.config.noise
    train, valid = (
        noise_weights(member.model, table, law)
        for table in (member.train, member.valid)
    )
    assert train is not None
    assert valid is not None
    return train, valid


def _train_all(
    members: Sequence[Member],
    stage: str,
    factors: dict[int, tuple[Tensor, Tensor]],
    progress: Progress,
) -> None:
    runs = []
    for number, group in enumerate(groups_of(members, stage), start=1):
        none = (None, None)
        group.factors = [factors.get(id(one), none) for one in group.members]
        run = GroupRun(group)
        _run(run, _checkpoint(run, f"{stage.replace(', ', '-')}-{number}"), progress)
        runs.append(run)
    for run in runs:
        run.write_back()


def _run(run: GroupRun, checkpoint: Checkpoint | None, progress: Progress) -> None:
    """Train from the start or from a checkpoint until every member has stopped."""
    found = None if checkpoint is None else checkpoint.load()
    if found is not None:
        run.restore(*found)
        progress.say(f"resumed after epoch {run.epoch}")
    while not run.finished:
        run.advance(progress)
        if checkpoint is not None and (run.finished or checkpoint.due()):
            checkpoint.save(*run.state())


def _checkpoint(run: GroupRun, name: str) -> Checkpoint | None:
    config = run.config
    if config.checkpoint is None:
        return None
    tables = [(member.train, member.valid) for member in run.members]
    hashes = {id(table): hash_table(table) for pair in tables for table in pair}
    data = [[hashes[id(table)] for table in pair] for pair in tables]
    factors = [hash_tensors(*pair) for pair in run.group.factors]
    start = hash_tensors(run.numbers.vector, run.stack.buffers.vector)
    identity = {
        "settings": [read_settings(one.config, UNREAD) for one in run.members],
        "data": [data, factors],
        "start": start,
    }
    folder = Path(config.checkpoint)
    return Checkpoint(folder, name, identity, config.checkpoint_seconds)


def groups_of(members: Sequence[Member], stage: str = "train") -> list[Group]:
    """Return groups of members that can take their steps together.

    Streams of one group have the same number of members, so that all arrays are full.
    """
    alike: dict[Hashable, list[list[int]]] = {}
    for number, member in enumerate(members):
        streams = alike.setdefault(_kind(member), [])
        for stream in streams:
            if _one_stream(members[stream[0]], member):
                stream.append(number)
                break
        else:
            streams.append([number])
    found = []
    for streams in alike.values():
        for size in sorted({len(stream) for stream in streams}):
            taken = [stream for stream in streams if len(stream) == size]
            numbers = [number for stream in taken for number in stream]
            chosen = [members[number] for number in numbers]
            found.append(Group(chosen, len(taken), stage=stage, numbers=numbers))
    return found


def _kind(member: Member) -> Hashable:
    """What members of one group have in common."""
    model, config = member.model, member.config
    settings = dict(model.encoder.settings())
    settings.pop("seed", None)
    weights = tuple(
        getattr(config, name) > 0 for name in ("entropy", "l1", "violation")
    )
    fixed = config.model_dump(exclude=FREE | UNREAD | PASSIVE - {"checkpoint"})
    shapes = [(name, tuple(t.shape)) for name, t in model.encoder.state_dict().items()]
    constraints = [(one.name, sorted(vars(one).items())) for one in model.constraints]
    return (
        type(model.encoder), repr(sorted(settings.items())), repr(shapes),
        _decoder(model.decoder), repr(constraints), weights, repr(sorted(fixed.items())),
        len(member.train), len(member.valid), member.scale.kind,
        tuple(table.features.device.type for table in (member.train, member.valid)),
    )  # fmt: skip


def _decoder(decoder: Any) -> Hashable:
    """Built-in process models are alike by their settings, others by being the same."""
    settings = decoder.settings()
    if settings or decoder.name == "identity":
        return type(decoder), repr(sorted(settings.items())), decoder.targets
    return id(decoder)


def _one_stream(one: Member, other: Member) -> bool:
    """Whether two members can share their batches."""
    if one.config.seed != other.config.seed or not _same_knots(one, other):
        return False
    pairs = [(one.train, other.train), (one.valid, other.valid)]
    names = one.model.decoder.forcings
    for a, b in pairs:
        if not same(a.features, b.features):
            return False
        if not all(same(a.forcings[name], b.forcings[name]) for name in names):
            return False
    scales = [(m.model.feature_shift, m.model.feature_scale) for m in (one, other)]
    return all(same(a, b) for a, b in zip(*scales, strict=True))


def _same_knots(one: Member, other: Member) -> bool:
    layers = [getattr(m.model.encoder, "spline_layers", None) for m in (one, other)]
    if not layers[0] or not layers[1]:
        return True
    first = layers[0][0], layers[1][0]
    if not hasattr(first[0], "low"):
        return True
    return all(
        same(getattr(first[0], n), getattr(first[1], n)) for n in ("low", "high")
    )


def _check_observed(member: Member) -> None:
    for part, table in (("training", member.train), ("validation", member.valid)):
        if Observations.of(table, member.scale).count == 0:
            raise TrainingError(
                f"the {part} rows hold no observed target with weight; check the split, "
                "the targets and the weights"
            )
