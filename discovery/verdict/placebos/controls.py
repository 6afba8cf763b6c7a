"""Controls: does the way that found a relation also find one where none can be?

Placebos replace the features by others that cannot have caused the target but look like
them; a relation that is claimed there is a false one. Wrong processes keep the features
and break the response; that something is missing must be seen there.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.verdict.placebos.surrogates import (
    constants_of_groups,
    coordinates,
    phases_randomised,
    shifted,
    with_features,
    with_forcings,
)

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.inference.skill import Skill
    from sciren.model import ScIReN

CONTROLS = "controls.json"

COUNT = 20  # placebos of each kind
ROWS = 2000  # every k-th row of a longer record
MARGIN = 0.05  # of R2 by which a wrong process must be worse to be seen by its fit

HELD = 1e-3  # share of a constant's value within which it is held

Say = Callable[[str], None]


@dataclass(frozen=True)
class Placebo:
    """One kind of placebo.

    Attributes:
        kind: what replaced the features.
        count: how many were drawn;  claimed: in how many a relation was claimed.
    """

    kind: str
    count: int
    claimed: int

    def sentence(self) -> str:
        """Return the count in a sentence."""
        return (
            f"{self.kind}: a relation was claimed in {self.claimed} of {self.count} "
            "placebos"
        )


@dataclass(frozen=True)
class WrongProcess:
    """One deliberately wrong process.

    Attributes:
        kind: what was done to its forcings.
        r2, right_r2: on held-out rows, with the wrong and with the stated process.
        missing: p of the test whether something is missing.
        seen: whether the fit or that test gives it away.
    """

    kind: str
    r2: float
    right_r2: float
    missing: float
    seen: bool

    @classmethod
    def of(cls, kind: str, wrong: "Skill", right: "Skill") -> "WrongProcess":
        """Compare the skill of a wrong process with that of the stated one."""
        # Either sign gives it away: structure left in the residual, or a clearly worse
        # fit.
        seen = wrong.missing.fires or wrong.r2 < right.r2 - MARGIN
        return cls(kind, wrong.r2, right.r2, wrong.missing.p, bool(seen))

    def sentence(self) -> str:
        """Return whether the data tell the wrong process from the stated one."""
        word = "is seen to be wrong" if self.seen else "is NOT told from the stated one"
        return (
            f"the process with {self.kind} {word} (R2 on held-out rows {self.r2:.3g} "
            f"instead of {self.right_r2:.3g}; something missing: p = {self.missing:.2g})"
        )


@dataclass(frozen=True)
class Controls:
    """Result of all controls.

    Attributes:
        rows: that they were run on.
        placebos: one a kind;  wrong: one a wrong process.
    """

    rows: int
    placebos: tuple[Placebo, ...]
    wrong: tuple[WrongProcess, ...]

    def sentences(self) -> list[str]:
        """Return one sentence a control."""
        return [control.sentence() for control in (*self.placebos, *self.wrong)]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the content of ``controls.json``."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Controls":
        """Read what `to_json` wrote."""
        return cls(
            int(stored["rows"]),
            tuple(Placebo(**entry) for entry in stored["placebos"]),
            tuple(WrongProcess(**entry) for entry in stored["wrong"]),
        )


def run_controls(
    model: "ScIReN",
    parts: "Mapping[str, Table]",
    count: int = COUNT,
    seed: int = 0,
    say: Say | None = None,
) -> Controls:
    """Run placebos and wrong processes by selection and fit, without any training.

    Args:
        model: brings process model, bounds and comparison; its encoder is not used.
        parts: tables of the run.
        count: placebos of each kind.
        seed: of the placebos.
        say: hears each result.
    Raises:
        TrainingError: the process model does not act row by row.
    """
    from discovery.verdict.evidence import pooled
    from symbolic.pipeline import matched

    hear = say or (lambda message: None)
    # Shifts and phases keep the memory of a record only if its rows are in time order;
    # pooled parts of a split are not.
    table = matched(model, in_order(pooled(parts, ROWS)))
    x = table.features.numpy()
    # A stream of its own, so that controls repeat whatever else the seed was used for.
    rng = np.random.default_rng([seed, 20])
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "circular shifts of the features": lambda: shifted(x, rng),
        "randomised phases of the features": lambda: phases_randomised(x, rng),
        "coordinates only": lambda: coordinates(len(x), rng),
    }
    groups = table.groups
    # With few groups, numbers that are constant in each can follow the means of the
    # target by chance; row-wise tests would take that for a relation.
    if groups is not None:
        kinds["random constants of the groups"] = lambda: constants_of_groups(
            groups, x.shape[1], rng
        )
    placebos = []
    for kind, draw in kinds.items():
        claimed = [claims(model, with_features(table, draw())) for _ in range(count)]
        placebos.append(Placebo(kind, count, sum(claimed)))
        hear(placebos[-1].sentence())
    wrong = _wrong_processes(model, table, hear)
    return Controls(len(table), tuple(placebos), tuple(wrong))


def in_order(table: "Table") -> "Table":
    """Return the rows in time order, or as they stood in the file."""
    if table.time is not None:
        # The last key of lexsort is the first in rank: time, then the place in the
        # file.
        return table.take(np.lexsort((table.row_ids, table.time)))
    return table.take(np.argsort(table.row_ids, kind="stable"))


def claims(model: "ScIReN", table: "Table") -> bool:
    """Whether selection and skill claim a relation between features and latents.

    Skill is only asked where selection has kept something, which is rare in a placebo.
    """
    from sciren.inference import ObservedProcess, select
    from sciren.inference.skill import skill_of_selection
    from sciren.inference.skill.held_out import UNFIT

    try:
        process = ObservedProcess.of(model, table)
        selection = select(process)
        if not selection.kept:
            return False
        # Held-out blocks decide: kept features alone are no claim.
        return skill_of_selection(process, selection).claimed
    except UNFIT:
        return False


def _wrong_processes(model: "ScIReN", table: "Table", hear: Say) -> list[WrongProcess]:
    """Break the response to the forcings and see whether that shows."""
    # A process without forcings has no response that could be broken.
    right = _skill(model, table) if table.forcings else None
    if right is None:
        return []
    # A constant such as q10 would become 1 / q10 and undo the reversal.
    held = _with_constants_held(model, table)
    wrong_processes = []
    for kind, other, reverse in (
        ("constant forcings", model, False),
        ("reversed forcings", held, True),
    ):
        wrong = _skill(other, with_forcings(table, reverse))
        if wrong is None:
            continue
        wrong_processes.append(WrongProcess.of(kind, wrong, right))
        hear(wrong_processes[-1].sentence())
    return wrong_processes


def _with_constants_held(model: "ScIReN", table: "Table") -> "ScIReN":
    """Return the model with the process constants held at what these rows say."""
    from sciren.constants import ConstantScale
    from sciren.inference import ObservedProcess, select

    process = ObservedProcess.of(model, table)
    values = process.physical_constants(select(process).fit.constants)
    held = []
    for parameter, value in zip(model.constant_scale.parameters, values, strict=True):
        # Bounds so narrow that the constant is held; sorted, because a negative value
        # turns them round. A zero has no such bounds and stays free.
        near = sorted((float(value) * (1 - HELD), float(value) * (1 + HELD)))
        bounds = {"low": near[0], "high": near[1], "start": float(value)}
        held.append(replace(parameter, **bounds) if value != 0 else parameter)
    # The caller's model keeps its own scale of the constants.
    other = copy.deepcopy(model)
    other.constant_scale = ConstantScale(held)
    return other


def _skill(model: "ScIReN", table: "Table") -> "Skill | None":
    from sciren.inference import ObservedProcess
    from sciren.inference.skill import skill_of_selection
    from sciren.inference.skill.held_out import UNFIT

    try:
        return skill_of_selection(ObservedProcess.of(model, table))
    # Too few rows, or no finite fit: nothing can be claimed there.
    except UNFIT:
        return None
