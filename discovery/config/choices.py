"""What a user may choose about equations, checked before any work is done."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sciren.errors import ConfigError, closest_names

if TYPE_CHECKING:
    from sciren.model import ScIReN


def check_choices(
    features: Sequence[str],
    latents: Sequence[str],
    families: Iterable[str] | None = None,
    pins: Mapping[str, str] | None = None,
    forbid: Mapping[str, Sequence[str]] | None = None,
    shapes: Mapping[str, str] | None = None,
) -> None:
    """Refuse families that do not exist and edges that the model cannot have.

    Args:
        features, latents: of the model.
        families: that may be used.
        pins: "feature -> latent" or feature -> family.
        forbid: feature, latent or "feature -> latent" -> families.
        shapes: feature or "feature -> latent" -> a shape of `symbolic.terms.shape_rules`.
    Raises:
        ConfigError: with the key and the closest names.
    """
    for name in families or ():
        _check_family(name, "discovery.families")
    edges = [f"{one} -> {other}" for one in features for other in latents]
    for edge, name in (pins or {}).items():
        _check_edge(edge, [*edges, *features], "discovery.pins")
        _check_family(name, f"discovery.pins.{edge}")
    for edge, names in (forbid or {}).items():
        _check_edge(edge, [*edges, *features, *latents], "discovery.forbid")
        for name in names:
            _check_family(name, f"discovery.forbid.{edge}")
    for edge in shapes or {}:
        _check_edge(edge, [*edges, *features], "discovery.shapes")


def _check_family(name: str, key: str) -> None:
    from symbolic.families.library import FAMILIES

    if name not in FAMILIES:
        raise ConfigError(
            f"key {key!r}: there is no family {name!r}. {closest_names(name, FAMILIES)}"
        )


def _check_edge(edge: str, known: Sequence[str], key: str) -> None:
    if edge not in known:
        raise ConfigError(
            f"key {key!r}: {edge!r} is no edge of this model; write "
            f'"feature -> latent". {closest_names(edge, known)}'
        )


def equations_obstacle(model: "ScIReN") -> str | None:
    """Return why a model cannot be turned into equations, or None if it can."""
    from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder

    encoder = model.encoder
    if not model.decoder.rowwise:
        return f"process model {model.decoder.name!r} does not act row by row"
    if not isinstance(encoder, KANEncoder | AdditiveEncoder | LinearEncoder):
        return f"encoder {encoder.kind!r} is a black box without edges"
    if isinstance(encoder, KANEncoder):
        if len(encoder.hidden) > 1:
            return (
                f"the encoder has {len(encoder.hidden)} hidden layers, one is the most"
            )
        if encoder.hidden and encoder.shared and encoder.n_outputs > 1:
            return "the latents share hidden nodes"
    return None
