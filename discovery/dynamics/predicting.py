"""New series through the equations or the network of a run."""

from typing import TYPE_CHECKING, Any

from discovery.results.record import DiscoveryRecord
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


def predict_series(
    discovery: DiscoveryRecord,
    frame: "pd.DataFrame",
    using: str = "equations",
    interval: float | None = None,
) -> "pd.DataFrame":
    """Simulate the groups of a long table, see `SeriesEquations.predict`.

    Args:
        discovery: of a run on series.
        frame: group, time, static features and forcings; its index is kept.
        using: the equations, or the network (which then gives the latents).
        interval: probability of intervals of new observations, None for none.
    Raises:
        ConfigError: ``using`` does not exist, or no network was trained.
        ColumnError, DataError: the table is no series, or a column is missing.
    """
    equations = discovery.series
    assert equations is not None  # the caller has asked
    if using == "equations":
        return equations.predict(frame, interval).set_axis(frame.index, axis=0)
    if using != "network":
        raise ConfigError(
            f"using={using!r} does not exist; use 'equations' or 'network'"
        )
    if not discovery.has_network:
        raise ConfigError(
            "no network was trained, because no feature predicts a latent; use the "
            "equations"
        )
    return _by_network(discovery, frame, interval).set_axis(frame.index, axis=0)


def _by_network(
    discovery: DiscoveryRecord, frame: Any, interval: float | None
) -> "pd.DataFrame":
    from discovery.runs.stored import network_of
    from sciren.dynamics.fitting import local_numbers

    equations, model = discovery.series, network_of(discovery)
    assert equations is not None  # the caller has asked
    # The network needs all its features, the equations only those that they kept.
    series = equations.series(frame, model.feature_names)
    names = (*model.latent_names, *model.decoder.constant_names)
    latents = dict(zip(names, local_numbers(model, series).T, strict=True))
    return equations.simulated(series, latents, interval)
