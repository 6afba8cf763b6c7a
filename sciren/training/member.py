"""One member of an ensemble: a model with its rows, settings and history."""

from dataclasses import dataclass

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.history import History
from sciren.training.preparation import Prepared


@dataclass(frozen=True)
class Member:
    """What an engine trains, ready: names, scaling and knots of the model are set.

    Attributes:
        model: trained in place.
        train, valid: its rows, targets in the model's order, on ``config.device``.
        config: its own seed, rates, penalties, ...
        history: its own record.
    """

    model: ScIReN
    train: Table
    valid: Table
    config: TrainConfig
    history: History

    @property
    def scale(self) -> ResidualScale:
        """How its predictions are compared with its targets.

        Raises:
            TrainingError: the model was not prepared.
        """
        if self.model.residual_scale is None:
            raise TrainingError("the model was not prepared; train it with fit")
        return self.model.residual_scale.to(self.train.targets.device)

    @property
    def data(self) -> Prepared:
        """Its tables and the scale of the comparison."""
        return Prepared(self.train, self.valid, self.scale)
