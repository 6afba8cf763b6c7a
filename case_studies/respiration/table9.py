"""Table 9: what each penalty of the two-layer encoder [3, 8, 1] is good for.

Only first-order training with the published penalties has something to remove: the
Gauss-Newton engine uses neither entropy nor L1. Ours keeps the encoder, its start and
the penalties of every row, but starts Q10 at 1.5, learns it in logs, takes the mean of
the violation, leaves the knots alone, and uses one cycle of large steps.
"""

from case_studies.respiration.published import Row
from sciren import TrainConfig

EPOCHS = 30
PEAK = 0.005  # of the learning rate; at 0.01 some starts lose the latent


def settings(row: Row, seed: int) -> TrainConfig:
    """Return the training of a row in our settings."""
    return TrainConfig(
        engine="first-order",
        seed=seed,
        epochs=EPOCHS,
        learning_rate=PEAK,
        entropy=row.entropy,
        l1=row.l1,
        smooth=row.smooth,
        smooth_kind="differences",
        violation=row.violation,
        latent_scale="unit",
        select=False,
        profiles=False,
    )
