"""Which engine trains a model, and why."""

from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig


def choose_engine(model: ScIReN, config: TrainConfig) -> tuple[str, str]:
    """Return the engine and one sentence that says why.

    Raises:
        TrainingError: Gauss-Newton is asked for and cannot do this model.
    """
    obstacle = gauss_newton_obstacle(model, config.max_coefficients, config.ladder)
    if config.loss != "squares":
        obstacle = f"the loss {config.loss!r} is no sum of squares"
    if config.engine == "first-order":
        return "first-order", "first-order was asked for"
    if obstacle is None:
        asked = config.engine == "gauss-newton"
        why = (
            "was asked for"
            if asked
            else "solves a row-wise model of this size directly"
        )
        return "gauss-newton", f"gauss-newton {why}"
    if config.engine == "gauss-newton":
        raise TrainingError(
            f"engine 'gauss-newton' cannot train this model: {obstacle}. "
            "Use engine 'auto' or 'first-order'"
        )
    return "first-order", f"first-order, because {obstacle}"


def gauss_newton_obstacle(
    model: ScIReN, limit: int, ladder: bool = False
) -> str | None:
    """Return why Gauss-Newton cannot train the model, or None if it can.

    Args:
        limit: most coefficients;  ladder: whether hidden nodes are tried.
    """
    encoder = model.encoder
    if not isinstance(encoder, KANEncoder):
        return f"the encoder is a {type(encoder).__name__}, not a KANEncoder"
    size = encoder.n_coefficients
    shared = bool(encoder.hidden) and encoder.shared and encoder.n_outputs > 1
    ending = encoder.outside == "zero" and (ladder or bool(encoder.hidden))
    # In this order the first that holds is named; the size comes last, as the one that
    # more coefficients allowed would lift.
    obstacles = {
        f"decoder {model.decoder.name!r} does not act row by row": not model.decoder.rowwise,
        f"the encoder has {len(encoder.hidden)} hidden layers": len(encoder.hidden) > 1,
        "the latents share hidden nodes": shared,
        "the edges have a silu base, which splines do not hold": encoder.base == "silu",
        "curves of hidden nodes cannot end at zero outside their knots": ending,
        f"it has {size} coefficients, more than {limit}": size > limit,
    }
    return next((text for text, holds in obstacles.items() if holds), None)
