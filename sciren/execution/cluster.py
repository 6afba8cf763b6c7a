"""Tasks on a dask cluster: a scheduler that is there already, anywhere."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sciren.execution.executor import on_one_thread

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")


class OnCluster:
    """The workers of a dask scheduler, which gives the tasks of lost ones to others.

    Args:
        client: of the scheduler; whoever opened it closes it.
    """

    def __init__(self, client: "Client") -> None:
        self.client = client

    @property
    def workers(self) -> int:
        """Number of workers that the scheduler has now."""
        return len(self.client.scheduler_info()["workers"])

    def results(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the results as they are done; tasks are cancelled if nobody waits.

        Raises:
            TrainingError: workers were lost over a task again and again.
        """
        from distributed import KilledWorker, as_completed

        from sciren.execution.executor import ATTEMPTS, lost

        # pure=False: an equal task of an earlier call may have been cancelled
        futures: list[Any] = [
            self.client.submit(on_one_thread, function, item, pure=False)
            for item in items
        ]
        position = {future.key: k for k, future in enumerate(futures)}
        done = 0
        try:
            for future in as_completed(futures, loop=self.client.loop):
                yield position[future.key], future.result()
                done += 1
        # dask gives a task to other workers by itself; this is its last word.
        except KilledWorker:
            raise lost(len(items) - done, ATTEMPTS) from None
        finally:
            self.client.cancel(futures)
