"""discover: rows or series in, verified equations out."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from discovery.results.result import Discovery
from symbolic.options import SymbolicOptions

if TYPE_CHECKING:
    from discovery.dynamics.result import SeriesDiscovery
    from discovery.runs.checkpoints import Checkpoints
    from discovery.runs.training import Training
    from sciren.data import SeriesTable, Table
    from sciren.model import ScIReN
    from sciren.training import History

Options = SymbolicOptions | Mapping[str, Any] | Sequence[str] | None


@overload
def discover(
    model: "ScIReN",
    table: "SeriesTable",
    valid: "SeriesTable | None" = ...,
    test: "SeriesTable | None" = ...,
    *,
    history: "History",
    options: Options = ...,
    seed: int = ...,
    **keywords: Any,
) -> "SeriesDiscovery": ...
@overload
def discover(
    model: "ScIReN",
    table: "Table",
    valid: "Table | None" = ...,
    test: "Table | None" = ...,
    *,
    history: "History | Training | None" = ...,
    options: Options = ...,
    truth: Mapping[str, np.ndarray] | None = ...,
    seed: int = ...,
    say: Callable[[str], None] | None = ...,
    keep: "Checkpoints | None" = ...,
    **keywords: Any,
) -> Discovery: ...
def discover(
    model: "ScIReN", table: Any, valid: Any = None, test: Any = None, **others: Any
) -> "Discovery | SeriesDiscovery":
    """Turn a trained model into verified equations.

    A table of rows goes to `discovery.results.stages.discover`, series of groups go to
    `discovery.dynamics.discover_series`; their arguments are told there.

    Args:
        model: trained by `sciren.fit`; it is not changed.
        table: training rows or series;  valid, test: held-out ones, where there are any.
        others: history, options and their fields by name, seed; of rows also truth, say
            and keep.
    Raises:
        ConfigError: an option, a family or an edge that does not exist.
        TrainingError: series without the history of their fit.
    """
    from sciren.data import SeriesTable

    # Imported only now: each kind loads packages that the other does not need.
    if isinstance(table, SeriesTable):
        from discovery.dynamics.discovering import discover_series

        return discover_series(model, table, valid, test, **others)
    from discovery.results.stages import discover as discover_rows

    return discover_rows(model, table, valid, test, **others)
