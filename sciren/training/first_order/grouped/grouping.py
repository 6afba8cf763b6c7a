"""Which members can be trained as one."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from sciren.decoders.redeclared import RedeclaredDecoder
from sciren.training.first_order.grouped.rows import same
from sciren.training.member import Member
from sciren.training.resume import PASSIVE

# Settings in which the members of one group may differ: numbers that only weigh.
FREE = {
    "seed", "epochs", "patience", "min_delta", "learning_rate", "schedule",
    "constant_rate_factor", "weight_decay", "entropy", "l1", "smooth", "smooth_inner",
    "smooth_outer", "violation", "offset",
}  # fmt: skip
# Those of them whose terms are there or not.
WEIGHTS = ("entropy", "l1", "smooth", "smooth_inner", "smooth_outer", "violation")
# Settings that this training does not read.
UNREAD = {
    "engine", "preset", "scaling", "latent_scale", "smooth_choices", "max_iterations",
    "starts", "start_rows", "start_iterations", "polish", "max_coefficients", "select",
    "selection", "ladder", "ladder_gain", "bootstrap", "profiles", "profile_points",
    "profile_range",
}  # fmt: skip


@dataclass
class Group:
    """Members that take their steps together.

    Attributes:
        members: M of them, stream by stream, M / streams each.
        streams: batches a step; members of one stream share seed and rows.
        factors: (n, t) on the weights of the training and of the validation rows of each
            member, or None.
        stage: name in the histories.
        numbers: of the members, for messages.
    """

    members: list[Member]
    streams: int = 1
    factors: list[tuple[Tensor | None, Tensor | None]] = field(default_factory=list)
    stage: str = "train"
    numbers: list[int] = field(default_factory=list)


def groups_of(members: Sequence[Member], stage: str = "train") -> list[Group]:
    """Return groups of members that can take their steps together.

    Streams of one group have the same number of members, so that all arrays are full.
    """
    alike: dict[Hashable, list[list[int]]] = {}
    for number, member in enumerate(members):
        # First by kind, then by stream: those of a stream also share seed, rows and
        # knots, so that features and basis are read once.
        streams = alike.setdefault(_kind(member), [])
        for stream in streams:
            if _one_stream(members[stream[0]], member):
                stream.append(number)
                break
        else:
            streams.append([number])
    groups = []
    # Streams of unlike size would leave holes in the arrays: one group for each size.
    for streams in alike.values():
        for size in sorted({len(stream) for stream in streams}):
            taken = [stream for stream in streams if len(stream) == size]
            numbers = [number for stream in taken for number in stream]
            together = [members[number] for number in numbers]
            groups.append(Group(together, len(taken), stage=stage, numbers=numbers))
    return groups


def _kind(member: Member) -> Hashable:
    """What members of one group have in common."""
    model, config = member.model, member.config
    settings = dict(model.encoder.settings())
    settings.pop("seed", None)
    # A penalty is either computed for the whole group or not at all; its weight is
    # free.
    weights = tuple(getattr(config, name) > 0 for name in WEIGHTS)
    fixed = config.model_dump(exclude=FREE | UNREAD | PASSIVE - {"checkpoint"})
    shapes = [(name, tuple(t.shape)) for name, t in model.encoder.state_dict().items()]
    constraints = [
        (constraint.name, sorted(vars(constraint).items()))
        for constraint in model.constraints
    ]
    return (
        type(model.encoder), repr(sorted(settings.items())), repr(shapes),
        repr(sorted(model.kinds.items())),
        _decoder(model.decoder), repr(constraints), weights, repr(sorted(fixed.items())),
        len(member.train), len(member.valid), member.scale.kind,
        tuple(table.features.device.type for table in (member.train, member.valid)),
    )  # fmt: skip


def _decoder(decoder: Any) -> Hashable:
    """Built-in process models are alike by their settings, others by being the same."""
    settings = decoder.settings()
    if isinstance(decoder, RedeclaredDecoder):
        return _decoder(decoder.original), repr(sorted(settings.items()))
    if settings or decoder.name == "identity":
        return type(decoder), repr(sorted(settings.items())), decoder.targets
    # A function of a user may differ in what it closes over: only itself is alike.
    return id(decoder)


def _one_stream(member: Member, other: Member) -> bool:
    """Whether two members can share their batches."""
    if member.config.seed != other.config.seed or not _same_knots(member, other):
        return False
    pairs = [(member.train, other.train), (member.valid, other.valid)]
    names = member.model.decoder.forcings
    for a, b in pairs:
        if not same(a.features, b.features):
            return False
        if not all(same(a.forcings[name], b.forcings[name]) for name in names):
            return False
    # Equal tables with different scaling are different inputs.
    scales = [(m.model.feature_shift, m.model.feature_scale) for m in (member, other)]
    return all(same(a, b) for a, b in zip(*scales, strict=True))


def _same_knots(member: Member, other: Member) -> bool:
    layers = [getattr(m.model.encoder, "spline_layers", None) for m in (member, other)]
    if not layers[0] or not layers[1]:
        return True
    first = layers[0][0], layers[1][0]
    if not hasattr(first[0], "low"):
        return True
    return all(
        same(getattr(first[0], n), getattr(first[1], n)) for n in ("low", "high")
    )
