"""Why a model has no equations, where it has none."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sciren.model import ScIReN


def equations_obstacle(model: "ScIReN") -> str | None:
    """Return why a model cannot be turned into equations, or None if it can."""
    from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder

    encoder = model.encoder
    if not model.decoder.rowwise:
        return f"process model {model.decoder.name!r} does not act row by row"
    if not isinstance(encoder, KANEncoder | AdditiveEncoder | LinearEncoder):
        return f"encoder {encoder.kind!r} is a black box without edges"
    if isinstance(encoder, KANEncoder):
        # Nested sums of sums of curves have no closed form that a reader could read.
        if len(encoder.hidden) > 1:
            return (
                f"the encoder has {len(encoder.hidden)} hidden layers, one is the most"
            )
        # A shared node would need the same constants in several equations.
        if encoder.hidden and encoder.shared and encoder.n_outputs > 1:
            return "the latents share hidden nodes"
    return None
