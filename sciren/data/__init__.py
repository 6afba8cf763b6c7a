"""Tables of observations, their scaling and their splits (loads torch)."""

from sciren.data.scaling import FeatureScaling, ScalingKind
from sciren.data.spatial import split_by_block, split_by_fold
from sciren.data.splits import (
    Split,
    split_by_group,
    split_by_time,
    split_random,
)
from sciren.data.table import Table

__all__ = [
    "FeatureScaling",
    "ScalingKind",
    "Split",
    "Table",
    "split_by_block",
    "split_by_fold",
    "split_by_group",
    "split_by_time",
    "split_random",
]
