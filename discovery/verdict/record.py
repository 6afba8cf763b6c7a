"""The verdict of a run: a headline, three answers, and a reason for each doubt."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Part = Literal["faithful", "skilful", "identified"]
Headline = Literal["supported", "partly supported", "not supported"]

PARTS: tuple[Part, ...] = ("faithful", "skilful", "identified")
SUPPORTED, PARTLY, NOT = "supported", "partly supported", "not supported"
COLOURS = {SUPPORTED: "green", PARTLY: "amber", NOT: "red"}
DOUBTED = "the verdict doubts it: "
"""Begins the reason why a constant is called not identified because of the verdict."""

SHOWN = 6  # sentences at the top of a report


@dataclass(frozen=True)
class Reason:
    """One thing that was asked of a result, and the answer.

    Attributes:
        part: which of the three answers it belongs to.
        subject: what it is about: a target, constant, latent, edge or check.
        holds: whether the answer is good.
        number, limit: what was measured and what it is held against; None where there
            is no number.
        sentence: the answer, one plain sentence without its full stop.
        next_step: what to do about it, one sentence; empty where it holds.
        fatal: whether it alone makes the result not supported.
        rank: importance among the reasons, 0 first.
    """

    part: Part
    subject: str
    holds: bool
    sentence: str
    number: float | None = None
    limit: float | None = None
    next_step: str = ""
    fatal: bool = False
    rank: int = 5

    def text(self) -> str:
        """Return the sentence and the next step."""
        step = f" {self.next_step.rstrip('.')}." if self.next_step else ""
        return f"{self.sentence.rstrip('.')}.{step}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values; numbers that are not finite as text."""
        row = asdict(self)
        for key in ("number", "limit"):
            value = row[key]
            # JSON has no infinity and no nan; float("inf") reads the text back.
            if value is not None and not math.isfinite(value):
                row[key] = str(value)
        return row

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Reason":
        """Read what `to_json` wrote."""
        fields = {name: stored[name] for name in cls.__dataclass_fields__}
        for key in ("number", "limit"):
            fields[key] = None if fields[key] is None else float(fields[key])
        return cls(**fields)


@dataclass(frozen=True)
class Verdict:
    """What a result is worth.

    Attributes:
        headline: "supported", "partly supported" or "not supported".
        faithful: whether the equation is the network (its consistency).
        skilful: whether it predicts rows that chose nothing better than constant
            latents, as well as a flexible reference, with nothing missing.
        identified: whether the data hold constants, latents and curves.
        reasons: all that was asked, the most important first.
        lack_of_fit: target -> standard deviation of what is missing, in units of the
            noise's scale; empty where nothing is seen to be missing.
    """

    headline: Headline
    faithful: bool
    skilful: bool
    identified: bool
    reasons: tuple[Reason, ...] = ()
    lack_of_fit: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.headline

    @classmethod
    def of(cls, reasons: Sequence[Reason]) -> "Verdict":
        """Draw the headline from the reasons.

        Supported where everything holds; not supported where something fatal does not
        (the equation is not the network, or it does not beat constant latents); partly
        supported between.
        """
        # False sorts before True: doubts first, among them the fatal ones, then by
        # rank.
        order = sorted(
            reasons, key=lambda reason: (reason.holds, not reason.fatal, reason.rank)
        )
        answers = {
            part: all(reason.holds for reason in order if reason.part == part)
            for part in PARTS
        }
        # all() of nothing is true: a part that nobody asked must not count as a good
        # answer.
        asked = {reason.part for reason in order}
        if (
            any(reason.fatal and not reason.holds for reason in order)
            or "skilful" not in asked
        ):
            headline: Headline = "not supported"
        elif all(answers.values()) and set(PARTS) <= asked:
            headline = "supported"
        else:
            headline = "partly supported"
        parts_hold = [answers[part] and part in asked for part in PARTS]
        return cls(headline, *parts_hold, reasons=tuple(order))

    def adding(self, reason: Reason) -> "Verdict":
        """Return the verdict with one more reason."""
        verdict = Verdict.of([*self.reasons, reason])
        return replace(verdict, lack_of_fit=self.lack_of_fit)

    @property
    def colour(self) -> str:
        """``"green"``, ``"amber"`` or ``"red"``; never green without skill."""
        return COLOURS[self.headline]

    def doubts(self, part: Part | None = None) -> list[Reason]:
        """Return the reasons that do not hold, most important first."""
        return [
            reason
            for reason in self.reasons
            if not reason.holds and part in (None, reason.part)
        ]

    def doubt_about(self, name: str) -> Reason | None:
        """Return the first doubt whether a constant, latent or edge is identified."""
        for doubt in self.doubts("identified"):
            # A subject may list several names ("a, b and c"), and "ta" must not match
            # "tair".
            if name in re.split(", | and ", doubt.subject):
                return doubt
        return None

    def sentences(self, most: int = SHOWN) -> list[str]:
        """Return at most some sentences that a reader needs first.

        Doubts come first, each with its next step; where there are few, what was
        measured and holds follows.
        """
        doubts = [doubt.text() for doubt in self.doubts()]
        good = [reason.text() for reason in self.reasons if reason.holds]
        if len(doubts) > most:
            # The last of `most` sentences is needed to say how many more there are.
            further = len(doubts) - most + 1
            return [*doubts[: most - 1], f"{further} more doubts are listed below."]
        return [*doubts, *good][: max(most, 1)] if doubts else good[:most]

    def marked(self, most: int = SHOWN) -> list[str]:
        """Return these sentences as a list: ``-`` before doubts, ``+`` before what holds."""
        good = {reason.text() for reason in self.reasons if reason.holds}
        return [f"{'+' if s in good else '-'} {s}" for s in self.sentences(most)]

    def line(self) -> str:
        """Return headline and the three answers in one line."""
        answers = ", ".join(
            f"{part if getattr(self, part) else 'not ' + part}" for part in PARTS
        )
        return f"{self.headline} ({answers})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the content of ``verdict.json``."""
        return {
            "headline": self.headline,
            "faithful": self.faithful,
            "skilful": self.skilful,
            "identified": self.identified,
            "reasons": [reason.to_json() for reason in self.reasons],
            "lack_of_fit": dict(self.lack_of_fit),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Verdict":
        """Read what `to_json` wrote."""
        reasons = tuple(Reason.from_json(entry) for entry in stored["reasons"])
        answers = {part: bool(stored[part]) for part in PARTS}
        lack = {k: float(v) for k, v in stored.get("lack_of_fit", {}).items()}
        return cls(stored["headline"], **answers, reasons=reasons, lack_of_fit=lack)


def not_judged(why: str, next_step: str) -> Verdict:
    """Return the verdict on a result that nothing is known about."""
    reason = Reason("skilful", "all", False, why, next_step=next_step, fatal=True)
    return Verdict.of([reason])
