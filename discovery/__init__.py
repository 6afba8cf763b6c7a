"""The workflow: from a table and a process model to verified equations and a report.

Names resolve on first use, so importing this package loads no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from discovery.config import RunConfig as RunConfig
    from discovery.config_file import load_config as load_config
    from discovery.effects import (
        accumulated_local_effects as accumulated_local_effects,
    )
    from discovery.effects import functional_importance as functional_importance
    from discovery.effects import partial_dependence as partial_dependence
    from discovery.effects import relationship_kl as relationship_kl
    from discovery.estimator import ScIReNRegressor as ScIReNRegressor
    from discovery.result import Discovery as Discovery
    from discovery.rows import select_rows as select_rows
    from discovery.sources import read_frame as read_frame
    from discovery.stages import discover as discover
    from discovery.workflow import run as run

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "Discovery": "discovery.result",
        "RunConfig": "discovery.config",
        "ScIReNRegressor": "discovery.estimator",
        "accumulated_local_effects": "discovery.effects",
        "discover": "discovery.stages",
        "functional_importance": "discovery.effects",
        "load_config": "discovery.config_file",
        "partial_dependence": "discovery.effects",
        "read_frame": "discovery.sources",
        "relationship_kl": "discovery.effects",
        "run": "discovery.workflow",
        "select_rows": "discovery.rows",
    },
)
