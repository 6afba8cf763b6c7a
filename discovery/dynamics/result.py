"""What `discover` returns for series."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from discovery.dynamics.equations import SeriesEquations
from symbolic.verdict import Verification

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from discovery.verdict.record import Verdict


@dataclass(eq=False)
class SeriesDiscovery:
    """What `discover` returns for series.

    Attributes:
        second_level: everything that was found: constants, intervals, candidates, scores
            of free runs, verdict, with the relations as its equations.
    """

    second_level: "Discovery"

    @property
    def equations(self) -> SeriesEquations:
        """Relations and recurrence, verified by free runs."""
        assert self.second_level.series is not None  # `discover` attaches them
        return self.second_level.series

    @property
    def scores(self) -> "pd.DataFrame":
        """One row a part, group, target and model ("equation", "network", "constant
        latents"): nse, kge, bias, observations."""
        assert self.second_level.group_scores is not None  # `discover` attaches them
        return self.second_level.group_scores

    @property
    def medians(self) -> "pd.DataFrame":
        """Medians of the scores over groups: one row a part, target and model."""
        from discovery.dynamics.scores import medians_of

        return medians_of(self.scores)

    @property
    def verification(self) -> Verification:
        """The checks of the free run."""
        assert self.equations.verification is not None  # `discover` attaches it
        return self.equations.verification

    @property
    def verdict(self) -> "Verdict":
        """What the result is worth."""
        return self.second_level.verdict

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader should not miss."""
        return self.second_level.notes

    def predict(self, frame: Any) -> "pd.DataFrame":
        """Simulate the groups of a long table, see `SeriesEquations.predict`."""
        return self.equations.predict(frame)

    def latex(self, digits: int = 3) -> str:
        """Return all equations with group and time."""
        return self.equations.latex(digits)
