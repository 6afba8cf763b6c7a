"""Compositions on the data themselves: nodes of sums, an additive part, or a refusal."""

from symbolic.composition.entry import compose as compose
from symbolic.composition.fitting.edge_families import NAMED as NAMED
from symbolic.composition.from_model import compose_latent as compose_latent
from symbolic.composition.from_model import latent_structure as latent_structure
from symbolic.composition.gate import Gate as Gate
from symbolic.composition.record import Alternative as Alternative
from symbolic.composition.record import Constant as Constant
from symbolic.composition.result import Composition as Composition

__all__ = [
    "NAMED",
    "Alternative",
    "Composition",
    "Constant",
    "Gate",
    "compose",
    "compose_latent",
    "latent_structure",
]
