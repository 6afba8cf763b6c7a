"""The workflow: from a table and a process model to verified equations and a report.

Names resolve on first use, so importing this package loads no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from discovery.config import RunConfig as RunConfig
    from discovery.config_file import load_config as load_config
    from discovery.estimator import ScIReNRegressor as ScIReNRegressor
    from discovery.rows import select_rows as select_rows
    from discovery.sources import read_frame as read_frame

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "RunConfig": "discovery.config",
        "ScIReNRegressor": "discovery.estimator",
        "load_config": "discovery.config_file",
        "read_frame": "discovery.sources",
        "select_rows": "discovery.rows",
    },
)
