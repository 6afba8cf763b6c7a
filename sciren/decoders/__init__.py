"""How a process model is declared, run and found by its name; the models themselves stand
in `sciren.processes`, apart from the soil carbon model CLM5.

Names resolve on first use, so that a list of process models is shown without torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.decoders.base import Decoder as Decoder
    from sciren.decoders.chains import cascade as cascade
    from sciren.decoders.chains import lag as lag
    from sciren.decoders.clm5 import CLM5Forcing as CLM5Forcing
    from sciren.decoders.clm5 import CLM5SoilCarbon as CLM5SoilCarbon
    from sciren.decoders.compas import CompasA as CompasA
    from sciren.decoders.compas import CompasB as CompasB
    from sciren.decoders.dynamic import DynamicModel as DynamicModel
    from sciren.decoders.function import FunctionDecoder as FunctionDecoder
    from sciren.decoders.process import IdentityDecoder as IdentityDecoder
    from sciren.decoders.process import process_model as process_model
    from sciren.decoders.q10 import Q10Respiration as Q10Respiration
    from sciren.decoders.redeclared import redeclare as redeclare
    from sciren.decoders.registry import BUILT_IN as BUILT_IN
    from sciren.decoders.registry import decoder_named as decoder_named

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
