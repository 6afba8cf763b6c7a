"""The model and the training of every row, in our settings or in the published ones."""

from typing import Any, Literal

from case_studies.respiration import table9
from case_studies.respiration.published import Row
from sciren import (
    KANEncoder,
    LinearEncoder,
    MLPEncoder,
    Q10Respiration,
    ScIReN,
    TrainConfig,
)
from sciren.encoders import Encoder

Mode = Literal["ours", "paper", "nominal"]
"""ours; what the published code did; what its nominal learning rates would have done."""

UNITS = 16  # of the black box's hidden layer
NODES = 8  # of the published two-layer encoder
PAPER_PATIENCE = {1: 10, 2: 20, 9: 20}
PAPER_START = 0.5  # of Q10
NOMINAL_FACTOR = 100.0  # on the rate of Q10, written in the code, without effect


def build(row: Row, mode: Mode, seed: int) -> ScIReN:
    """Return the untrained model of a row."""
    decoder = None if row.plain else Q10Respiration()
    constraint = None if row.plain else row.constraint
    model = ScIReN(_encoder(row, mode, seed), constraint, decoder)
    if mode != "ours" and not row.plain:
        model.set_constants({"q10": PAPER_START})
    return model


def settings(row: Row, mode: Mode, seed: int) -> TrainConfig:
    """Return how a row is trained."""
    if mode != "ours":
        return _paper(row, mode, seed)
    if row.table == 9:
        return table9.settings(row, seed)
    ladder = row.encoder == "kan" and row.layers == 2
    return TrainConfig(seed=seed, ladder=ladder, profiles=False)


def _encoder(row: Row, mode: Mode, seed: int) -> Encoder:
    match row.encoder, mode:
        case "mlp", _:
            return MLPEncoder(3, 1, width=UNITS, depth=1, seed=seed)
        case "linear", _:
            return LinearEncoder(3, 1, seed=seed)
        case _, "ours" if row.table != 9:
            return KANEncoder(3, 1, seed=seed)  # the ladder adds the hidden layer
    return KANEncoder(
        3,
        1,
        () if row.layers == 1 else (NODES,),
        grid=row.grid,
        base="identity" if row.layers == 1 else "zero",
        outside="zero",
        margin=2.0,
        start="noise",
        seed=seed,
    )


def _paper(row: Row, mode: Mode, seed: int) -> TrainConfig:
    """The published code: 1e-3 for everything, because its rates were misspelt."""
    rates: dict[str, Any] = {}
    if mode == "nominal":
        rates = {
            "learning_rate": row.lr_nominal,
            "constant_rate_factor": NOMINAL_FACTOR,
        }
    return TrainConfig(
        preset="paper",
        seed=seed,
        patience=PAPER_PATIENCE[row.table],
        weight_decay=row.weight_decay,
        entropy=row.entropy,
        l1=row.l1,
        smooth=row.smooth,
        violation=row.violation,
        precision="float32",
        profiles=False,
        **rates,
    )
