"""Attempts in a process of their own: one that never ends, or crashes, is an answer too."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

Attempt = Callable[[int], list[str]]
PATIENCE = 60.0
"""Seconds without an answer after which an attempt has no end: the slowest load takes
0.1 s (`python -m benchmarks.reliability fuzz`), on a machine that has much else to do."""


class Watched:
    """Make attempts in a child, which is replaced where it does not answer.

    Args:
        attempt: number -> what is wrong;  restore: called before every child begins.
        patience: seconds without an answer.
    """

    def __init__(
        self, attempt: Attempt, restore: Callable[[], None], patience: float = PATIENCE
    ) -> None:
        self.attempt, self.restore, self.patience = attempt, restore, patience
        self._child: tuple[BaseProcess, Connection] | None = None

    def __call__(self, number: int) -> list[str]:
        """Make one attempt."""
        child, answers = self._child = self._child or self._started()
        answers.send(number)
        try:
            if answers.poll(self.patience):
                return answers.recv()
            problem = f"no end within {self.patience:g} s"
        except EOFError:
            child.join()
            problem = f"the process ended with {child.exitcode}"
        self.end()
        return [problem]

    def end(self) -> None:
        """End the child, whatever it does."""
        if self._child is not None:
            child, answers = self._child
            child.kill()  # code of C hears no other signal
            child.join()
            answers.close()
            self._child = None

    def _started(self) -> tuple[BaseProcess, Connection]:
        self.restore()
        # forked: it has loaded everything, and costs only its own work
        forking = multiprocessing.get_context("fork")
        ours, theirs = forking.Pipe()
        child = forking.Process(target=self._serve, args=(theirs,), daemon=True)
        child.start()
        theirs.close()  # so that the end of the child is the end of the answers
        return child, ours

    def _serve(self, questions: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            questions.send(self.attempt(questions.recv()))
