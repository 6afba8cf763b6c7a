"""Laws: order, equality to the last bit, lost workers, errors of tasks."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sciren.errors import ConfigError, TrainingError
from sciren.execution import InOrder, InProcesses, open_executor, run_all


@pytest.fixture(scope="module")
def tasks() -> SimpleNamespace:
    """Functions of tasks; made inside a function, so that they travel by value."""

    def solution(seed: int) -> bytes:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(300, 40, generator=generator, dtype=torch.float64)
        return torch.linalg.solve(x.T @ x, x.sum(0)).numpy().tobytes()

    def dies_once(item: tuple[int, str]) -> int:
        position, folder = item
        mark = Path(folder) / f"{position}"
        if position == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 10 * position

    def dies(item: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return item

    def refuses(item: int) -> int:
        if item == 1:
            raise TrainingError("item 1 cannot be fitted")
        return item

    return SimpleNamespace(
        solution=solution, dies_once=dies_once, dies=dies, refuses=refuses
    )


def test_results_stand_in_the_order_of_the_items():
    assert run_all(str, [3, 1, 2]) == ["3", "1", "2"]
    assert run_all(str, []) == []


def test_one_thread_inside_and_as_many_as_before_outside():
    torch.set_num_threads(2)
    try:
        assert run_all(lambda _: torch.get_num_threads(), [0]) == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_processes_give_the_bits_of_one_process_and_survive_a_lost_worker(
    tasks, tmp_path
):
    executor = InProcesses(2)
    assert run_all(tasks.solution, range(6), executor) == run_all(
        tasks.solution, range(6), InOrder()
    )
    items = [(position, str(tmp_path)) for position in range(6)]
    assert run_all(tasks.dies_once, items, executor) == [0, 10, 20, 30, 40, 50]
    assert (tmp_path / "3").exists()


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_an_error(tasks):
    with pytest.raises(TrainingError, match="3 times with 2 tasks left"):
        run_all(tasks.dies, [0, 1], InProcesses(2))


@pytest.mark.parametrize("executor", [InOrder(), InProcesses(2)])
def test_errors_of_a_task_arrive_as_they_are(tasks, executor):
    with pytest.raises(TrainingError, match="item 1 cannot"):
        run_all(tasks.refuses, range(3), executor)


def test_progress_counts_tasks():
    heard = []

    class Ear:
        def update(self, stage, step, total, values):
            heard.append((stage, step, total))

        def say(self, message):
            pass

    run_all(abs, [1, 2], progress=Ear(), stage="sites")
    assert heard == [("sites", 1, 2), ("sites", 2, 2)]


def test_no_workers_and_no_scheduler_are_told():
    with pytest.raises(ConfigError, match="workers is 0"), open_executor(0):
        pass
    pytest.importorskip("distributed")
    with (
        pytest.raises(ConfigError, match=r"tcp://127.0.0.1:9: gives no answer"),
        open_executor(scheduler="tcp://127.0.0.1:9", patience=0.3),
    ):
        pass
