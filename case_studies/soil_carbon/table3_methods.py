"""The five methods of Table 3: how each is built and trained, and the published values."""

from dataclasses import dataclass
from typing import Any, Literal

from case_studies.soil_carbon import table4_methods as shared
from case_studies.soil_carbon.table4_methods import PREDICTED as PARAMETERS
from sciren import KANEncoder, ScIReN, Split, TrainConfig
from sciren.datasets import SoilCarbonStudy

Mode = Literal["ours", "first-order", "paper"]
PURE, SCIREN = shared.PURE, shared.ONE_LAYER
GRID = 8  # intervals of the splines
EPOCHS, PATIENCE = 200, 100  # of the published code
SITES_AT_ONCE = 32  # its batch
DEPTHS = 5  # rows that a site has in the mean


@dataclass(frozen=True)
class Method:
    """A row of the table: published figures (mean, deviation), minutes and settings.

    Attributes:
        r2, latent, kl: published; None where the method has none.
        minutes: published time of one run.
        rate, decay: published learning rate and weight decay.
    """

    name: str
    r2: tuple[float, float]
    latent: tuple[float, float] | None
    kl: tuple[float, float] | None
    minutes: float
    rate: float
    decay: float

    @property
    def slug(self) -> str:
        """Name in files."""
        return self.name.lower().replace(" ", "-")


METHODS = (
    Method(PURE, (0.933, 0.015), None, None, 15, 1e-2, 1e-4),
    Method(
        shared.BLACK_BOXES[0],
        (0.996, 0.003), (0.226, 0.800), (1.312, 0.170), 180, 1e-2, 0.0,
    ),
    Method(
        shared.BLACK_BOXES[1],
        (0.995, 0.003), (0.721, 0.226), (1.082, 0.258), 180, 1e-2, 1e-4,
    ),
    Method(
        "Linear-Hybrid",
        (0.979, 0.013), (0.087, 1.014), (1.727, 0.322), 120, 0.1, 1e-4,
    ),
    Method(SCIREN, (0.999, 0.002), (0.989, 0.019), (0.080, 0.042), 190, 1e-2, 0.0),
)  # fmt: skip


def build(
    method: Method, study: SoilCarbonStudy, split: Split, mode: Mode, seed: int
) -> ScIReN:
    """Return the untrained model of a method."""
    if method.name != SCIREN:
        return shared.build(method.name, split, study.forcing, seed, PARAMETERS)
    features, latents = len(study.features), len(PARAMETERS)
    if mode != "paper":
        encoder = KANEncoder(features, latents, grid=GRID, seed=seed)
    else:
        encoder = KANEncoder(
            features, latents, grid=30, base="identity", outside="zero", margin=2.0,
            start="noise", seed=seed,
        )  # fmt: skip
    return ScIReN(encoder, "auto", study.decoder())


def settings(method: Method, split: Split, mode: Mode, seed: int) -> TrainConfig:
    """Return how a method is trained."""
    if mode == "paper":
        return _paper(method, split, seed)
    if method.name == SCIREN and mode == "ours":
        return TrainConfig(residual="log", engine="gauss-newton", seed=seed)
    if method.name == SCIREN:
        return TrainConfig(
            residual="log", engine="first-order", optimizer="lbfgs", seed=seed
        )
    return TrainConfig(
        # carbon of a plain network may be negative, which has no log
        residual="identity" if method.name == PURE else "log",
        epochs=EPOCHS, latent_scale="unit", learning_rate=1e-2, violation=10.0,
        select=False, seed=seed,
    )  # fmt: skip


def _paper(method: Method, split: Split, seed: int) -> TrainConfig:
    """The published settings: SmoothL1 of carbon, here over its deviation, as the weights."""
    unit = 1 / float(split.train.targets.std())
    kan = method.name == SCIREN
    weights: dict[str, Any] = {"entropy": 0.0, "l1": 0.0, "smooth": 0.0}
    if kan:
        weights = {"entropy": 10 * unit, "l1": 10 * unit, "smooth": 10 * unit}
    return TrainConfig(
        preset="paper", seed=seed, scaling="minmax", epochs=EPOCHS, patience=PATIENCE,
        batch_size=SITES_AT_ONCE * DEPTHS, learning_rate=method.rate,
        loss="smooth-l1", loss_width=unit,
        weight_decay=method.decay, violation=1000 * unit,
        grid_updates=10 if kan else 0, precision="float32", **weights,
    )  # fmt: skip
