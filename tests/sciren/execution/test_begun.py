"""Tasks that are begun now and asked for later give what they would give at once."""

import threading
from concurrent.futures import CancelledError

import pytest

from sciren.execution import Begun, InOrder


class Elsewhere:
    """Two workers that are done in the other order, and wait for a sign before each task."""

    workers = 2

    def __init__(self):
        self.go, self.done = threading.Semaphore(0), []

    def results(self, function, items):
        for position in reversed(range(len(items))):
            assert self.go.acquire(timeout=10)
            self.done.append(position)
            yield position, function(items[position])


def square(number):
    return number**2


def test_results_are_in_the_order_of_the_items():
    elsewhere = Elsewhere()
    begun = Begun(square, [3, 4, 5], elsewhere)
    for _ in range(3):
        elsewhere.go.release()
    assert begun.results() == [9, 16, 25] == Begun(square, [3, 4, 5]).results()


@pytest.mark.parametrize("executor", [None, InOrder()])
def test_without_workers_nothing_is_done_before_it_is_asked_for(executor):
    done = []
    begun = Begun(done.append, [1, 2], executor)
    assert done == []
    begun.results()
    assert done == [1, 2]


def test_whoever_asks_hears_the_error():
    elsewhere = Elsewhere()
    begun = Begun(square, ["a"], elsewhere)
    elsewhere.go.release()
    with pytest.raises(TypeError):
        begun.results()


def test_what_is_stopped_begins_no_further_task():
    elsewhere = Elsewhere()
    begun = Begun(square, range(9), elsewhere)
    begun.stop()
    for _ in range(9):
        elsewhere.go.release()
    with pytest.raises(CancelledError):
        begun.results()
    assert elsewhere.done == [8]
