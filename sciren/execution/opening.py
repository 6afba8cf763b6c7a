"""From `--workers` and `--scheduler` to an executor."""

from collections.abc import Iterator
from contextlib import contextmanager

from sciren.errors import ConfigError
from sciren.execution.cluster import OnCluster
from sciren.execution.executor import Executor, InOrder, InProcesses

PATIENCE = 20
"""Seconds in which a scheduler has to answer; a healthy one does in less than one."""


@contextmanager
def open_executor(
    workers: int = 1, scheduler: str | None = None, patience: float = PATIENCE
) -> Iterator[Executor]:
    """Open an executor, and close what belongs to it.

    Args:
        workers: processes of this machine; 1 is this process.
        scheduler: address of a dask scheduler, such as ``tcp://10.0.0.5:8786``, in place
            of processes of this machine.
        patience: seconds to wait for the scheduler's answer.
    Raises:
        ConfigError: fewer than one worker, no answer from the scheduler, or dask is not
            installed.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}; it must be at least 1")
    if scheduler is None:
        yield InOrder() if workers == 1 else InProcesses(workers)
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            f"scheduler {scheduler} needs dask; install sciren[scale]"
        ) from error
    try:
        # set_as_default=False: other dask work of this process keeps its own scheduler.
        client = Client(scheduler, timeout=patience, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"scheduler {scheduler}: gives no answer ({type(error).__name__}); start one "
            "with `dask scheduler`, and check the address"
        ) from error
    with client:
        yield OnCluster(client)
