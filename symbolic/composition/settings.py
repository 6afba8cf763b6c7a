"""Settings: how formulas of whole latents are searched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sciren.errors import ConfigError
from symbolic.composition.fitting.edge_families import NAMED, can_be_composed
from symbolic.composition.gate import ACCEPT_BELOW
from symbolic.families.library import FAMILIES

SEARCH = ("families", "seed", "max_rung", "budget_s")
"""Settings that are keywords of `compose`."""


@dataclass(frozen=True)
class Settings:
    """How to search.

    Args:
        families: closed forms that may be used inside.
        seed: of random starts, folds and trees; the same seed gives the same answer.
        max_rung: 1 for one node or a plain sum, 2 for several nodes and an additive part.
        budget_s: work after which no further step is begun, in seconds of a usual
            processor; it is counted, so that the same call gives the same result.
        limit: share of the residual's variance that a reference may predict.
        blocks: (n,) groups of rows that stay together in the gate's folds, or None.
    Raises:
        ConfigError: an unknown family or stage.
    """

    families: Sequence[str] = NAMED
    seed: int = 0
    max_rung: int = 2
    budget_s: float = 20.0
    limit: float = ACCEPT_BELOW
    blocks: np.ndarray | None = None

    def __post_init__(self) -> None:
        # every sum has its offset already
        families = tuple(name for name in self.families if name != "constant")
        object.__setattr__(self, "families", families)
        for name in families:
            if not can_be_composed(name):
                further = [
                    other for other in FAMILIES if other not in (*NAMED, "constant")
                ]
                raise ConfigError(
                    f"family {name!r} cannot be composed; choose from {', '.join(NAMED)}, "
                    f"or of the further ones {', '.join(further)}"
                )
        if not families:
            raise ConfigError("no family to build from; name at least one")
        if self.max_rung not in (1, 2):
            raise ConfigError(f"max_rung is 1 or 2, not {self.max_rung}")
