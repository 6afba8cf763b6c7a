"""The microbial soil carbon model COMPAS at steady state, in the layers of CLM5."""

from sciren.decoders.compas.decoder import Compas as Compas
from sciren.decoders.compas.decoder import CompasA as CompasA
from sciren.decoders.compas.decoder import CompasB as CompasB
