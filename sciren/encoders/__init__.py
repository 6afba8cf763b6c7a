"""Encoders: scaled features in, raw latents out; nothing here knows a process or bounds.

Edges of a `KANEncoder` are the curves that become equations; `baselines` holds what it is
compared with.
"""

from sciren.encoders.base import Encoder
from sciren.encoders.baselines import AdditiveEncoder, LinearEncoder, MLPEncoder
from sciren.encoders.kan import KANEncoder
from sciren.encoders.layer import SplineLayer
from sciren.encoders.registry import ENCODERS, build_encoder

__all__ = [
    "ENCODERS",
    "AdditiveEncoder",
    "Encoder",
    "KANEncoder",
    "LinearEncoder",
    "MLPEncoder",
    "SplineLayer",
    "build_encoder",
]
