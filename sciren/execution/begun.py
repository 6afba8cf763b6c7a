"""Tasks that other processes work on while this one goes on."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from sciren.execution.executor import Executor, run_all

Item = TypeVar("Item")
Result = TypeVar("Result")


class Begun(Generic[Item, Result]):
    """Tasks that are begun now and asked for later.

    Without other processes nothing is begun: the tasks run when they are asked for, so that
    results do not depend on the executor, and nothing is computed that nobody asks for.

    Args:
        function, items, executor: as of `run_all`.
    """

    def __init__(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        executor: Executor | None = None,
    ) -> None:
        self._function, self._items, self._executor = function, items, executor
        self._stopped = threading.Event()
        self._later: Future[list[Result]] | None = None
        if executor is not None and executor.workers > 1:
            self._later = Future()
            # A daemon: a program that ends early does not wait for tasks of no use.
            threading.Thread(
                target=self._collect, args=(executor, self._later), daemon=True
            ).start()

    def results(self) -> list[Result]:
        """Wait for the result of every item; they are in the order of the items.

        Raises:
            CancelledError: the work was stopped;  otherwise what the executor raises.
        """
        if self._later is None:
            return run_all(self._function, self._items, self._executor)
        return self._later.result()

    def stop(self) -> None:
        """Begin no further task: nobody asks for the results any more."""
        self._stopped.set()

    def _collect(self, executor: Executor, later: Future[list[Result]]) -> None:
        done: dict[int, Result] = {}
        try:
            for position, result in executor.results(self._function, self._items):
                done[position] = result
                # The executor cancels what is left when its results are dropped.
                if self._stopped.is_set():
                    later.cancel()
                    return
            later.set_result([done[position] for position in range(len(self._items))])
        # Whatever it is, whoever asks for the results must hear it.
        except BaseException as error:
            later.set_exception(error)
