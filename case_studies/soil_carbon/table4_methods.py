"""The six methods of Table 4: how each is built and trained, and the published values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sciren import (
    Decoder,
    Identity,
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    Parameter,
    ScIReN,
    Sigmoid,
    Split,
    TrainConfig,
)
from sciren.decoders import CLM5Forcing, CLM5SoilCarbon

NODES = (
    0.01, 0.04, 0.09, 0.16, 0.26, 0.40, 0.58, 0.80, 1.06, 1.36, 1.70, 2.08, 2.50, 2.99,
    3.58, 4.27, 5.06, 5.95, 6.94, 8.03,
)  # fmt: skip
WIDTH, DEPTH = 128, 2  # of the published perceptron
GRID = 6  # intervals of the splines
HIDDEN = 4  # nodes of each latent, two-layer encoder
RATES = (0.003, 0.01, 0.03)  # peaks of the one-cycle schedule that compete
STEPS, BATCH = 600, 240  # steps of any data set; rows of a batch, as published
VIOLATION = 10.0  # weight of latents beyond their bounds, in the unit of the loss
SMOOTH, ITERATIONS = 0.1, 25  # of the solved encoder
PREDICTED = ("efolding", "tau4s3", "fs1s3", "w_scaling")
CALIBRATED = ("beta", "diffus", "q10", "tau4s2", "fs2s3")  # searched in this order
PURE = "Pure-NN"
ONE_LAYER, TWO_LAYERS = "ScIReN 1-layer", "ScIReN 2-layer"
BLACK_BOXES = ("Blackbox-Hybrid nonlinear", "Blackbox-Hybrid linear")


@dataclass(frozen=True)
class Method:
    """A row of the table with the published mean and deviation of its figures."""

    name: str
    r2: tuple[float, float]
    mae: tuple[float, float]
    pearson: tuple[float, float]

    @property
    def slug(self) -> str:
        """Name in files."""
        return self.name.lower().replace(" ", "-")


METHODS = (
    Method(PURE, (0.552, 0.173), (4609.3, 356.8), (0.780, 0.053)),
    Method(BLACK_BOXES[0], (0.584, 0.082), (4726.2, 727.3), (0.776, 0.048)),
    Method(BLACK_BOXES[1], (0.589, 0.070), (4849.7, 650.3), (0.774, 0.040)),
    Method("Linear-Hybrid", (0.552, 0.082), (4984.8, 771.6), (0.761, 0.046)),
    Method(ONE_LAYER, (0.582, 0.080), (4708.2, 673.1), (0.769, 0.049)),
    Method(TWO_LAYERS, (0.571, 0.094), (4707.3, 826.3), (0.765, 0.052)),
)


class LayerCarbon(Decoder):
    """Carbon at the nodes of the 20 layers, free of any process; linear between them.

        soc = mean + sd (value of the layers around the depth)

    Args:
        mean, sd: of the training targets, gC m-3.
    """

    def __init__(self, mean: float, sd: float) -> None:
        self.mean, self.sd = mean, sd
        layers = [Parameter(f"layer{k}", start=0.0) for k in range(len(NODES))]
        super().__init__("layers", layers, ("depth",), ("soc",), {"soc": "gC m-3"})

    def __call__(self, p: Any, f: Any) -> Tensor:
        """Return soc (n,) at depth (n,), m; constant beyond the first and last node."""
        values = torch.stack([getattr(p, name) for name in self.latent_names], -1)
        nodes = torch.tensor(NODES, dtype=torch.float64)
        depth = f.depth.contiguous()
        above = (torch.searchsorted(nodes, depth, right=True) - 1).clamp(0, 18)
        share = ((depth - nodes[above]) / (nodes[above + 1] - nodes[above])).clamp(0, 1)
        over = values.gather(1, above[:, None])[:, 0]
        under = values.gather(1, above[:, None] + 1)[:, 0]
        return self.mean + self.sd * ((1 - share) * over + share * under)


def build(
    name: str,
    split: Split,
    forcing: CLM5Forcing,
    seed: int,
    predicted: Sequence[str] = PREDICTED,
    constants: Sequence[str] = (),
) -> ScIReN:
    """Return the untrained model of a method.

    Args:
        name: of the method.
        split: whose training targets scale Pure-NN.
        forcing: of all sites.
        seed: of the starting values.
        predicted: parameters of the process that the encoder predicts.
        constants: those learned as one number for all sites; the rest is mid-prior.
    """
    features, latents = split.train.features.shape[1], len(predicted)
    if name == PURE:
        observed = split.train.targets[:, 0]
        decoder = LayerCarbon(float(observed.mean()), float(observed.std()))
        return ScIReN(_perceptron(features, len(NODES), seed), Identity(), decoder)
    free = CLM5SoilCarbon(predicted=predicted, constants=constants)
    process = free.at_sites(forcing)
    if name in BLACK_BOXES:
        constraint = Sigmoid() if name == BLACK_BOXES[0] else "auto"
        return ScIReN(_perceptron(features, latents, seed), constraint, process)
    if name == ONE_LAYER:
        encoder = KANEncoder(features, latents, grid=GRID, seed=seed)
    elif name == TWO_LAYERS:
        encoder = KANEncoder(features, latents, (HIDDEN,), grid=GRID, seed=seed)
    else:
        encoder = LinearEncoder(features, latents, seed=seed)
    return ScIReN(encoder, "auto", process)


def _perceptron(features: int, outputs: int, seed: int) -> MLPEncoder:
    return MLPEncoder(
        features, outputs, WIDTH, DEPTH, batch_norm=True, skip=True, seed=seed
    )


def settings(name: str, seed: int, rows: int) -> tuple[TrainConfig, ...]:
    """Return how a method is trained; of several ways the best on validation is taken.

    Residuals are those of carbon itself, as published. ScIReN 1-layer is solved, with
    its edges and its smoothness chosen on validation; the others are trained by
    gradients, with their learning rate chosen on validation.

    Args:
        name: of the method.
        seed: of the starting values and batches.
        rows: of the training table; all sets get the same number of steps.
    """
    if name == ONE_LAYER:
        return (
            TrainConfig(
                seed=seed, smooth=SMOOTH, max_iterations=ITERATIONS, profiles=False
            ),
        )
    epochs = max(1, round(STEPS * BATCH / rows))
    return tuple(
        TrainConfig(
            engine="first-order", seed=seed, latent_scale="unit", learning_rate=rate,
            batch_size=BATCH, epochs=epochs, violation=VIOLATION, select=False,
            profiles=False,
        )
        for rate in RATES
    )  # fmt: skip
