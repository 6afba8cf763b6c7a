"""Compositions on the data themselves: nodes of sums, an additive part, or a refusal.

Names resolve on first use: what judges a residual (`gate`) loads no search.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from symbolic.composition.entry import compose as compose
    from symbolic.composition.fitting.edge_families import NAMED as NAMED
    from symbolic.composition.from_model import compose_latent as compose_latent
    from symbolic.composition.from_model import latent_structure as latent_structure
    from symbolic.composition.gate import Gate as Gate
    from symbolic.composition.record import Alternative as Alternative
    from symbolic.composition.record import Constant as Constant
    from symbolic.composition.result import Composition as Composition

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
