"""fit: one call that chooses the engine, trains, selects edges and profiles constants."""

from typing import TYPE_CHECKING, overload

from sciren.data.series import SeriesTable
from sciren.data.table import Table
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.ensemble import fit_ensemble
from sciren.training.history import History
from sciren.training.progress import Progress

if TYPE_CHECKING:
    from sciren.dynamics.fitting import SeriesHistory


@overload
def fit(
    model: ScIReN,
    train: Table,
    valid: Table,
    config: TrainConfig | None = ...,
    progress: Progress | None = ...,
) -> History: ...
@overload
def fit(
    model: ScIReN,
    train: SeriesTable,
    valid: SeriesTable,
    config: TrainConfig | None = ...,
    progress: Progress | None = ...,
) -> "SeriesHistory": ...
def fit(
    model: ScIReN,
    train: Table | SeriesTable,
    valid: Table | SeriesTable,
    config: TrainConfig | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a model in place: `fit_ensemble` of one, or `fit_series` on series of groups.

    Args:
        model: encoder, constraint and decoder; with ``ladder`` its encoder may be
            replaced by one with a hidden layer.
        train, valid: rows (groups) to learn from, rows (groups) to choose by.
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
    if isinstance(train, SeriesTable) and isinstance(valid, SeriesTable):
        # What runs in time is loaded where something does.
        from sciren.dynamics.fitting import fit_series

        return fit_series(model, train, valid, config, progress)
    if isinstance(train, SeriesTable) or isinstance(valid, SeriesTable):
        raise TrainingError(
            "training and validation must both be series, or both tables of rows; split "
            "series with split_series"
        )
    return fit_ensemble([model], train, valid, config, progress)[0]
