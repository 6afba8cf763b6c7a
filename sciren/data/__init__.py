"""Tables of observations, their scaling and their splits.

Names resolve on first use: the checks in ``sciren.data.frames`` load no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.data.scaling import FeatureScaling as FeatureScaling
    from sciren.data.scaling import ScalingKind as ScalingKind
    from sciren.data.series import SeriesTable as SeriesTable
    from sciren.data.series_splits import SeriesSplit as SeriesSplit
    from sciren.data.series_splits import split_series as split_series
    from sciren.data.spatial import split_by_block as split_by_block
    from sciren.data.spatial import split_by_fold as split_by_fold
    from sciren.data.splits import Split as Split
    from sciren.data.splits import split_by_group as split_by_group
    from sciren.data.splits import split_by_time as split_by_time
    from sciren.data.splits import split_random as split_random
    from sciren.data.table import Table as Table

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
