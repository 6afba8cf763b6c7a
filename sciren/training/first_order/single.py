"""Training of one model by stochastic gradients: a group of one member.

Works for any encoder and decoder. Where the Gauss-Newton engine applies it is the better
choice; this one follows `training_recipe` section 4, or the published code.
"""

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.members import train_members
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.progress import Progress


def train_first_order(
    model: ScIReN,
    train: Table,
    valid: Table,
    config: TrainConfig,
    history: History,
    progress: Progress | None = None,
) -> None:
    """Train in place by AdamW on mini-batches; the best weights on `valid` are kept.

    Decoders that mix rows (``rowwise=False``) see all rows at once and in order.

    Args:
        model: with scaling and knots set (done by `fit`).
        train, valid: rows to learn from, and to stop by; targets that are nan are not
            observed; row weights count.
        config: first-order settings, see `TrainConfig`.
        history, progress: see `train_members`.
    Raises:
        TrainingError: see `train_members`.
    """
    model.residual_scale = ResidualScale.fit(
        train.targets, config.residual, config.offset
    )
    train_members([Member(model, train, valid, config, history)], progress)
