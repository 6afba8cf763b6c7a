"""What features do not say of a group, in a run: spread of the deviations, and known modes.

Groups of the training run at their modes, p = f(x) exp(u) or f(x) + u; of other groups
nothing is known but the spread of u, so that they run at u = 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discovery.dynamics.spread import Spread

if TYPE_CHECKING:
    import pandas as pd

    from sciren.dynamics.groups.group_problem import GroupProblem


@dataclass(frozen=True)
class LatentDeviation:
    """The law of the deviations of one latent.

    Attributes:
        factor: whether groups deviate by factors exp(u); else by amounts u.
        spread: standard deviation of u.
        shrinkage: one minus the deviation of the modes in spreads; near one the series of
            a group say little of its own number.
    """

    factor: bool
    spread: float
    shrinkage: float

    def moved(self, values: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return values of groups with their deviations."""
        return values * np.exp(u) if self.factor else values + u


@dataclass(frozen=True)
class GroupModes:
    """Deviations of the groups that a run was trained on.

    Attributes:
        laws: latent -> law of its deviations.
        modes: group -> latent -> most probable u.
        spread: target -> how far observations of these groups lie from runs at their
            modes.
    """

    laws: Mapping[str, LatentDeviation]
    modes: Mapping[str, Mapping[str, float]]
    spread: Mapping[str, Spread] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: "GroupProblem", numbers: np.ndarray) -> Self:
        """Return the modes of the groups of a problem about what equations say of them.

        Args:
            problem: loss of the training groups, with the law of their deviations.
            numbers: (G, Q) latents and constants of the equations.
        """
        from sciren.dynamics.groups.mode_fit import group_modes

        law = problem.law
        predicted = law.forward(numbers)
        low, high = problem.scale.physical_limits()
        # Clipped to physical limits before u is taken, so that a run with u stays
        # inside them.
        at = np.clip(law.backward(group_modes(problem, predicted)), low, high)
        u = law.forward(at) - predicted
        own = np.flatnonzero(law.sd > 0)
        laws = {
            law.names[k]: LatentDeviation(
                bool(law.logs[k]), float(law.sd[k]),
                # Modes scatter less than groups do: what a series says little about is
                # drawn to u = 0.
                float(1 - np.sqrt(np.mean(u[:, k] ** 2)) / law.sd[k]),
            )
            for k in own
        }  # fmt: skip
        groups = problem.process.table.groups
        modes = {
            group: {law.names[k]: float(u[g, k]) for k in own}
            for g, group in enumerate(groups)
        }
        return cls(laws, modes)

    def known(self, groups: Sequence[str]) -> np.ndarray:
        """Return which groups have modes, (G,) bool."""
        return np.array([group in self.modes for group in groups], dtype=bool)

    def moved(
        self, values: Mapping[str, np.ndarray], groups: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """Return latents and constants (G,) with the deviations of the known groups."""
        shifted = dict(values)
        for name, law in self.laws.items():
            # A new group runs at the most probable deviation, none.
            u = [self.modes[g][name] if g in self.modes else 0.0 for g in groups]
            shifted[name] = law.moved(np.asarray(values[name]), np.array(u))
        return shifted

    def numbers(
        self, names: Sequence[str], numbers: np.ndarray, groups: Sequence[str]
    ) -> np.ndarray:
        """Return numbers (G, Q) by their names with the deviations of the known groups."""
        moved = self.moved(dict(zip(names, numbers.T, strict=True)), groups)
        return np.column_stack([moved[name] for name in names])

    def table(self) -> "pd.DataFrame":
        """Return one row a latent: law, spread, shrinkage."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "latent": name,
                    "law": "factor exp(u)" if law.factor else "amount u",
                    "spread": law.spread,
                    "shrinkage": law.shrinkage,
                }
                for name, law in self.laws.items()
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "laws": {
                name: {
                    "factor": law.factor,
                    "spread": law.spread,
                    "shrinkage": law.shrinkage,
                }
                for name, law in self.laws.items()
            },
            "modes": {group: dict(u) for group, u in self.modes.items()},
            "spread": {name: spread.to_json() for name, spread in self.spread.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        laws = {
            str(name): LatentDeviation(
                bool(law["factor"]), float(law["spread"]), float(law["shrinkage"])
            )
            for name, law in stored["laws"].items()
        }
        modes = {
            str(group): {name: float(u[name]) for name in laws}
            for group, u in stored["modes"].items()
        }
        spread = {
            str(n): Spread.from_json(entry) for n, entry in stored["spread"].items()
        }
        return cls(laws, modes, spread)
