"""The interface of executors, and the two that need no cluster."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sciren.errors import TrainingError
from sciren.training.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

ATTEMPTS = 3
"""Times a task is given to a worker before its loss counts as the task's own doing.

A task that needs more memory than there is kills every worker that takes it; three is the
number of failures after which dask gives up as well (``allowed-failures``).
"""

_log = logging.getLogger(__name__)


class Executor(Protocol):
    """Runs a function on many items and hands back each result when it is done."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        ...

    def results(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (position of the item, result) in the order in which they are done.

        Args:
            function: of one item; importable where it runs in other processes.
            items: plain data.
        Raises:
            TrainingError: workers were lost over a task again and again.
        """
        ...


def run_all(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    executor: "Executor | None" = None,
    progress: Progress | None = None,
    stage: str = "fits",
) -> list[Result]:
    """Return the result of every item, in the order of the items.

    Args:
        function: of one item.
        items: of the tasks.
        executor: who runs them; default one after the other in this process.
        progress: hears how many are done, from which it says how long it will take.
        stage: what the tasks are, for the progress.
    """
    # Tasks end in any order; sums and lists need that of the items.
    done: dict[int, Result] = {}
    for position, result in (executor or InOrder()).results(function, items):
        done[position] = result
        if progress is not None:
            progress.update(stage, len(done), len(items), {})
    return [done[position] for position in range(len(items))]


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with a single thread inside.

    Sums that several threads share round differently with their number, which differs
    between machines.
    """
    import torch
    from threadpoolctl import threadpool_limits

    # torch and the BLAS of numpy have threads of their own: both are held.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def on_one_thread(function: Callable[[Item], Result], item: Item) -> Result:
    """Run a task as every executor runs it."""
    with one_thread():
        return function(item)


class InOrder:
    """One task after the other, in this process."""

    workers = 1

    def results(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the results in the order of the items."""
        for position, item in enumerate(items):
            yield position, on_one_thread(function, item)


class InProcesses:
    """Several processes of this machine; a lost one is replaced.

    Args:
        workers: number of processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def results(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the results as they are done."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        left = dict(enumerate(items))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                # What is done stays done: only what is left is given to the new
                # workers.
                for position, result in self._once(function, left):
                    del left[position]
                    yield position, result
            except TerminatedWorkerError:
                _log.warning("a worker was lost; %d tasks are begun again", len(left))
                if attempt == ATTEMPTS:
                    raise lost(len(left), attempt) from None
            else:
                return

    def _once(
        self, function: Callable[[Item], Result], items: dict[int, Item]
    ) -> Iterator[tuple[int, Result]]:
        from joblib import Parallel, delayed

        # no batches: tasks are long, and a lost batch would lose what it had finished
        how: dict[str, Any] = {"batch_size": 1, "return_as": "generator_unordered"}
        parallel: Any = Parallel(self.workers, **how)
        yield from parallel(
            delayed(_numbered)(function, position, item)
            for position, item in list(items.items())
        )


def _numbered(
    function: Callable[[Item], Result], position: int, item: Item
) -> tuple[int, Result]:
    return position, on_one_thread(function, item)


def lost(left: int, attempts: int) -> TrainingError:
    """Say that workers do not survive their tasks."""
    return TrainingError(
        f"workers were lost {attempts} times with {left} tasks left, most likely because "
        "memory ran out; use fewer workers, or fewer rows for each task"
    )
