"""Discovery on series: relations behind the constants of groups, checked by free runs."""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from discovery.dynamics.discovering import discover_series as discover_series
    from discovery.dynamics.equations import SeriesEquations as SeriesEquations
    from discovery.dynamics.result import SeriesDiscovery as SeriesDiscovery

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
