"""Encoders by name, for configurations and stored models."""

from collections.abc import Mapping
from typing import Any

from sciren.encoders.base import Encoder
from sciren.encoders.baselines import AdditiveEncoder, LinearEncoder, MLPEncoder
from sciren.encoders.kan import KANEncoder
from sciren.errors import ConfigError, closest_names

ENCODERS: dict[str, type[Encoder]] = {
    kind.kind: kind for kind in (KANEncoder, AdditiveEncoder, LinearEncoder, MLPEncoder)
}


def build_encoder(kind: str, settings: Mapping[str, Any]) -> Encoder:
    """Build an encoder from its kind and settings.

    Raises:
        ConfigError: unknown kind or setting.
    """
    known = dict(ENCODERS)
    if kind == "pykan":  # its module builds on this package, so it loads afterwards
        from sciren.pykan import PykanEncoder

        known[kind] = PykanEncoder
    if kind not in known:
        raise ConfigError(
            f"encoder {kind!r} does not exist. {closest_names(kind, known)}"
        )
    try:
        return known[kind](**settings)
    # Python's message names the argument that a constructor does not know.
    except TypeError as error:
        raise ConfigError(f"encoder {kind!r} cannot be built: {error}") from error
