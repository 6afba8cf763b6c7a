"""The workflow: from a table and a process model to verified equations and a report.

Names resolve on first use, so importing this package loads no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from discovery.config.file import load_config as load_config
    from discovery.config.settings import RunConfig as RunConfig
    from discovery.discovering import discover as discover
    from discovery.dynamics import SeriesDiscovery as SeriesDiscovery
    from discovery.dynamics import SeriesEquations as SeriesEquations
    from discovery.estimator import ScIReNRegressor as ScIReNRegressor
    from discovery.results.effects import (
        accumulated_local_effects as accumulated_local_effects,
    )
    from discovery.results.effects import functional_importance as functional_importance
    from discovery.results.effects import partial_dependence as partial_dependence
    from discovery.results.effects import relationship_kl as relationship_kl
    from discovery.results.result import Discovery as Discovery
    from discovery.runs.workflow import run as run
    from discovery.tables.rows import select_rows as select_rows
    from discovery.tables.sources import read_frame as read_frame
    from discovery.tables.sources import read_table as read_table

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
