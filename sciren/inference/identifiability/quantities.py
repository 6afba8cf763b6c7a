"""What a walk finds: latents and constants that the data hold, and how it is said."""

from collections.abc import Sequence
from dataclasses import dataclass

from sciren.inference.identifiability.combinations import Combination

NOT_IDENTIFIED, WEAK = 3.84, 10.0
"""Rise of chi-square: quantiles of 95 % and 99.8 % with one degree of freedom."""


@dataclass(frozen=True)
class Quantity:
    """What the walk says about the level of a latent, or about a constant.

    Attributes:
        name, kind: and whether it is a "latent" or a "constant".
        estimate: in physical units (of a latent the mean over the rows).
        loss: smaller rise of chi-square of the two moves.
    """

    name: str
    kind: str
    estimate: float
    loss: float

    @property
    def status(self) -> str:
        """``"identified"``, ``"weak"`` or ``"not identified"``."""
        if self.loss < NOT_IDENTIFIED:
            return "not identified"
        return "weak" if self.loss < WEAK else "identified"


@dataclass(frozen=True)
class Identifiability:
    """Result of the walk.

    Attributes:
        quantities: latents, then constants.
        combinations: products, sums, ratios and differences that stay.
        shapes: latents whose shape a / mean(a) stays although their level does not.
        settled_by: what would make everything identified, found by trying.
    """

    quantities: tuple[Quantity, ...]
    combinations: tuple[Combination, ...] = ()
    shapes: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()

    def of(self, status: str) -> list[str]:
        """Return the names of the quantities with a status."""
        return [
            quantity.name for quantity in self.quantities if quantity.status == status
        ]

    @property
    def identified(self) -> bool:
        """Whether the data hold every level and every constant."""
        return all(quantity.status == "identified" for quantity in self.quantities)

    def sentence(self) -> str:
        """Return what is identified, in one sentence."""
        said = [
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} {word}"
            for status, word in (
                ("not identified", "not identified"),
                ("weak", "identified only weakly"),
            )
            if (names := self.of(status))
        ]
        if not said:
            return "all latents and constants are identified"
        determined = [combination.text for combination in self.combinations]
        if self.shapes:
            word = "shape" if len(self.shapes) == 1 else "shapes"
            determined.append(f"the {word} of {listed(list(self.shapes))}")
        text = ", ".join(said)
        return f"{text}: only {listed(determined)}" if determined else text


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
