"""Many independent fits: in this process, in several, or on a dask cluster.

A task is a function and one item; whoever runs it, it computes with one thread, so that a
result is the same to the last bit for any number of workers in any order. Nothing here
knows what is fitted.
"""

from sciren.execution.begun import Begun
from sciren.execution.cluster import OnCluster
from sciren.execution.executor import Executor, InOrder, InProcesses, run_all
from sciren.execution.opening import open_executor

__all__ = [
    "Begun",
    "Executor",
    "InOrder",
    "InProcesses",
    "OnCluster",
    "open_executor",
    "run_all",
]
