"""Process models that come with the toolkit, and how to declare one's own."""

from sciren.decoders.base import Decoder
from sciren.decoders.clm5 import CLM5Forcing, CLM5SoilCarbon
from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.decoders.process import IdentityDecoder, process_model
from sciren.decoders.q10 import Q10Respiration
from sciren.decoders.registry import BUILT_IN, decoder_named

__all__ = [
    "BUILT_IN",
    "CLM5Forcing",
    "CLM5SoilCarbon",
    "Decoder",
    "DynamicModel",
    "FunctionDecoder",
    "IdentityDecoder",
    "Q10Respiration",
    "decoder_named",
    "process_model",
]
