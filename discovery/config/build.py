"""Build the model of a study: encoder, constraint and process model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discovery.config.settings import RunConfig
    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.model import ScIReN

# coefficients of one edge on the default grids of the first and of deeper layers: ten and
# forty intervals of cubic splines, see `sciren.encoders.KANEncoder`
_INNER, _OUTER = 13, 43


def build_model(
    n_features: int,
    decoder: "Decoder",
    encoder: Mapping[str, Any],
    constraint: Any = "auto",
    seed: int = 0,
) -> "ScIReN":
    """Return an untrained model.

    Args:
        n_features: columns that the encoder sees.
        decoder: the process model.
        encoder: ``kind`` and its settings; None stands for a default, and ``hidden``
            "auto" for no hidden layer, from which `fit` climbs.
        constraint: one for all latents, "auto", or latent -> constraint.
        seed: of the starting values.
    Raises:
        ConfigError: unknown encoder or constraint, or one that does not fit.
    """
    from sciren.encoders import build_encoder
    from sciren.model import ScIReN

    settings = {name: value for name, value in encoder.items() if value is not None}
    kind = settings.pop("kind")
    # "auto" begins with the additive model; the ladder of the training climbs from it.
    if settings.get("hidden") == "auto":
        settings["hidden"] = ()
    sizes = {"n_inputs": n_features, "n_outputs": len(decoder.latent_names)}
    built = build_encoder(kind, sizes | settings | {"seed": seed})
    return ScIReN(built, constraint, decoder)


def model_of(
    config: "RunConfig", decoder: "Decoder", seed: int | None = None
) -> "ScIReN":
    """Return the untrained model of a configuration, with its seed or another."""
    return build_model(
        len(config.features),
        decoder,
        config.encoder.model_dump(),
        config.constraint,
        config.seed if seed is None else seed,
    )


def enough_rows(train: "Table", n_features: int, n_latents: int) -> bool:
    """Whether the observations outnumber the coefficients of one hidden node a latent.

    With fewer, a deeper encoder cannot be told from noise and is not worth its time.
    """
    return int(train.observed.sum()) >= n_latents * (n_features * _INNER + _OUTER)
