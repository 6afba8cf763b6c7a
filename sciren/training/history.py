"""What happened during training: every term of every step, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from sciren.inference.selection import Selection


@dataclass
class Tested:
    """The selection of features of a training, for whoever asks the same rows again.

    It lives as long as the process: copies and pickles are empty.
    """

    selection: "Selection | None" = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Tested, ()


@dataclass
class History:
    """Record of one `fit`.

    Attributes:
        engine: "gauss-newton" or "first-order".
        reason: why this engine was taken, one sentence.
        rows: one mapping a step: stage, step, every term of the loss, valid.
        selection: one mapping a candidate of the edge selection.
        edges: one mapping an edge: feature, latent, status (kept, undecided, excluded),
            p_value, gain, inclusion, cannot_tell_from; see `sciren.inference.select`.
        ladder: one mapping a stage: hidden nodes, validation loss, accepted.
        profiles: one mapping a point of the profile of each constant.
        concurvity: one mapping an edge: how well the other features imitate its curve.
        summaries: constant -> `ProfileSummary`.
        messages: sentences that a report should show.
        tested: the selection behind ``edges``.
    """

    engine: str
    reason: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    selection: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    ladder: list[dict[str, Any]] = field(default_factory=list)
    profiles: list[dict[str, Any]] = field(default_factory=list)
    concurvity: list[dict[str, Any]] = field(default_factory=list)
    summaries: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    tested: Tested = field(default_factory=Tested, repr=False, compare=False)

    def append(self, stage: str, step: int, terms: Mapping[str, float]) -> None:
        """Add one step; `terms` holds total, data, each penalty, and valid if known."""
        self.rows.append({"stage": stage, "step": step} | dict(terms))

    def say(self, message: str) -> None:
        """Keep a sentence for the report, once."""
        if message not in self.messages:
            self.messages.append(message)

    def frame(self) -> "pd.DataFrame":
        """Return the steps as a table with one row a step."""
        import pandas as pd

        return pd.DataFrame(self.rows)
