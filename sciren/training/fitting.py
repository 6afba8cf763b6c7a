"""fit: one call that chooses the engine, trains, selects edges and profiles constants."""

from sciren.data.table import Table
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.ensemble import fit_ensemble
from sciren.training.history import History
from sciren.training.progress import Progress


def fit(
    model: ScIReN,
    train: Table,
    valid: Table,
    config: TrainConfig | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a model in place: `fit_ensemble` of one.

    Args:
        model: encoder, constraint and decoder; with ``ladder`` its encoder may be
            replaced by one with a hidden layer.
        train, valid: rows to learn from, rows to choose by.
        config: settings; default `TrainConfig()`.
        progress: gets every step; default says nothing.
    Returns:
        The history: engine and reason, every term of every step, edge selection,
        ladder, profiles.
    Raises:
        TrainingError: the asked engine cannot do this model, or training fails.
        ConfigError: a profile is asked for a constant or range that does not exist.
        ColumnError: the tables lack a forcing or target of the decoder.
    """
    return fit_ensemble([model], train, valid, config, progress)[0]
