"""Encoders: scaled features in, raw latents out."""

from sciren.encoders.base import Encoder as Encoder
from sciren.encoders.baselines import AdditiveEncoder as AdditiveEncoder
from sciren.encoders.baselines import LinearEncoder as LinearEncoder
from sciren.encoders.baselines import MLPEncoder as MLPEncoder
from sciren.encoders.kan import KANEncoder as KANEncoder
from sciren.encoders.layer import SplineLayer as SplineLayer
from sciren.encoders.registry import ENCODERS as ENCODERS
from sciren.encoders.registry import build_encoder as build_encoder
