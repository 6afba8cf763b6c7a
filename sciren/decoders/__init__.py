"""Process models that come with the toolkit, and how to declare one's own."""

from sciren.decoders.base import Decoder as Decoder
from sciren.decoders.clm5 import CLM5Forcing as CLM5Forcing
from sciren.decoders.clm5 import CLM5SoilCarbon as CLM5SoilCarbon
from sciren.decoders.process import FunctionDecoder as FunctionDecoder
from sciren.decoders.process import IdentityDecoder as IdentityDecoder
from sciren.decoders.process import process_model as process_model
from sciren.decoders.q10 import Q10Respiration as Q10Respiration
from sciren.decoders.registry import BUILT_IN as BUILT_IN
from sciren.decoders.registry import decoder_named as decoder_named
