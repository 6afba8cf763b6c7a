"""Simple models on the same rows, so that a score has something to stand beside."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data import Split, Table
    from sciren.model import ScIReN
    from sciren.training import TrainConfig
    from sciren.training.progress import Progress

Predict = Callable[["Table"], "Tensor"]

MOST_ROWS, MOST_STEPS = 8_000, 60
"""The perceptron takes 60 steps of L-BFGS on so many rows, spread evenly: it has a hundred
coefficients (`sciren demo respiration --seed 5`: R2 of the test rows 0.9762, on 30,000
rows 0.9764)."""

CONSTANT, PERCEPTRON = "constant latents", "mlp"


def baselines(
    model: "ScIReN",
    split: "Split",
    config: "TrainConfig",
    progress: "Progress | None" = None,
) -> dict[str, Predict]:
    """Fit the baselines on the training rows; each gives targets (n, t) of a table.

    Args:
        model: trained; brings process model, constraints and comparison.
        split: its tables.
        config: of its training; the perceptron is trained by the first-order engine.
    """
    predictions: dict[str, Predict] = {}
    # A process with memory has its constant latents scored with its free runs.
    if model.decoder.rowwise:
        predictions[CONSTANT] = constant_latents(model, split.train)
    predictions[PERCEPTRON] = perceptron(model, split, config, progress)
    return predictions


def constant_latents(model: "ScIReN", train: "Table") -> Predict:
    """Fit latents without features: one number each, and the process constants.

    What an equation without features is as well; see
    `symbolic.search.observations.observed_by`.
    """
    import torch

    from symbolic.search.observations import observed_by
    from symbolic.search.refit import refitted
    from symbolic.terms.structure import LatentStructure

    with torch.no_grad():
        # Start of the offsets: mean raw latents (L,) of the network; a latent without
        # edges is its offset.
        middle = model.raw_latents(model.scaled(train.features)).mean(0).tolist()
        flat = [
            LatentStructure(name, value)
            for name, value in zip(model.latent_names, middle, strict=True)
        ]
        seen, start = observed_by(flat, model, train), model.constant_raw.detach()
        best = refitted(model, seen, flat, start, with_covariance=False)
        raw = torch.tensor(
            [[structure.offset for structure in best.structures]]
        ).double()
        latents, constants = (
            model.constrain(raw),
            model.constant_scale.to_physical(best.constants),
        )

    def predict(table: "Table") -> "Tensor":
        # One row (1, L) for all: expand repeats it without a copy.
        rows = latents.expand(len(table), -1)
        with torch.no_grad():
            return model.decoder.evaluate(rows, constants, table.forcings)

    return predict


def perceptron(
    model: "ScIReN",
    split: "Split",
    config: "TrainConfig",
    progress: "Progress | None" = None,
) -> Predict:
    """Train a black box in place of the encoder: one hidden layer of 16 units.

    Few steps on evenly spread rows: more rows or steps move its score by less than its error.
    """
    from sciren.encoders import MLPEncoder
    from sciren.model import ScIReN
    from sciren.training import fit

    inputs, outputs = model.encoder.n_inputs, model.encoder.n_outputs
    constraints = dict(zip(model.latent_names, model.constraints, strict=True))
    # Same constraints and process, so that a difference of scores is that of the
    # encoders.
    box = ScIReN(
        MLPEncoder(inputs, outputs, seed=config.seed),
        constraints,
        copy.deepcopy(model.decoder),
    )
    # Nothing of the search for structure: the perceptron is a yardstick, not a result.
    settings = config.replace(
        engine="first-order", optimizer="lbfgs", ladder=False, select=False,
        epochs=min(config.epochs or MOST_STEPS, MOST_STEPS), grid_updates=0, entropy=0.0,
        bootstrap=0, profiles=False,
    )  # fmt: skip
    fit(box, _spread(split.train), _spread(split.valid), settings, progress)
    return lambda table: box.predict(table).targets


def _spread(table: "Table") -> "Table":
    """Return every k-th row of a long table."""
    return table.take(slice(None, None, -(-len(table) // MOST_ROWS)))
