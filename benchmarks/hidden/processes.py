"""Twelve process models of the shelf, each with one latent and at most one constant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sciren.decoders import Decoder, redeclare
from sciren.processes import SHELF

Range = tuple[float, float]


@dataclass(frozen=True)
class HiddenProcess:
    """A process model with plausible numbers.

    Args:
        name: on the shelf.  target: the output that is observed.
        scale: middle of the latent, between its bounds.
        constant: name of the unknown constant, "" for none;  truth: range of its value.
        forcings: column -> range of its values.
        changes: declarations of other parameters (`sciren.decoders.redeclare`).
    """

    name: str
    target: str
    scale: float
    forcings: Mapping[str, Range]
    constant: str = ""
    truth: Range = (0.0, 0.0)
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decoder(self) -> Decoder:
        """The process model as the methods get it."""
        return redeclare(SHELF[self.name], self.changes, [self.target])


_WEATHER = {
    "rn": (50.0, 600.0),
    "g": (0.0, 40.0),
    "ta": (5.0, 32.0),
    "vpd": (0.2, 3.0),
    "pressure": (95.0, 102.0),
}

PROCESSES = (
    HiddenProcess("q10", "reco", 3.0, {"ta": (-5.0, 30.0)}, "q10", (1.3, 2.5)),
    HiddenProcess("lloyd_taylor", "reco", 2.0, {"ta": (-5.0, 30.0)}, "e0", (80, 300)),
    HiddenProcess("arrhenius", "k", 1.0, {"ta": (0.0, 35.0)}, "ea", (3e4, 9e4)),
    HiddenProcess(
        "rectangular_hyperbola", "gpp", 25.0, {"light": (0.0, 1000.0)},
        "alpha", (0.03, 0.12), {"alpha": "constant"},
    ),
    HiddenProcess("michaelis_menten", "v", 1.0, {"s": (0.1, 20.0)}, "km", (2.0, 8.0)),
    HiddenProcess(
        "first_order_pool", "c", 0.3, {"i": (0.1, 1.0), "t": (0.2, 8.0)},
        "c0", (3.0, 8.0), {"c0": "constant"},
    ),
    HiddenProcess("langmuir", "q", 25.0, {"c": (0.1, 15.0)}, "kl", (0.1, 0.8)),
    HiddenProcess("freundlich", "q", 4.0, {"c": (0.1, 15.0)}, "inv_n", (0.4, 0.9)),
    HiddenProcess(
        "monod", "mu", 0.5, {"s": (0.02, 2.0)}, "ks", (0.1, 0.5), {"kd": 0.02}
    ),
    HiddenProcess("penman_monteith", "le", 0.01, _WEATHER, "ga", (0.015, 0.06)),
    HiddenProcess(
        "medlyn", "gs", 4.0,
        {"a_net": (2.0, 20.0), "ca": (380.0, 420.0), "vpd": (0.3, 3.0)},
        "g0", (0.003, 0.02),
    ),
    HiddenProcess("budyko_zhang", "e", 1.0, {"p": (300.0, 2e3), "pet": (4e2, 1.6e3)}),
)  # fmt: skip
