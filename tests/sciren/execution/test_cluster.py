"""A dask cluster gives the results of one process, also when a worker dies."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from sciren.errors import TrainingError
from sciren.execution import InOrder, OnCluster, open_executor, run_all

distributed = pytest.importorskip("distributed")


@pytest.fixture
def threads() -> Iterator[Any]:
    """A scheduler with one worker inside this process."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_cluster_keeps_the_order_and_hands_errors_on(threads):
    def negative(item: int) -> int:
        if item > 5:
            raise TrainingError(f"item {item} cannot be fitted")
        return -item

    with open_executor(scheduler=threads.scheduler_address) as executor:
        assert executor.workers == 1
        assert run_all(negative, [3, 1, 2], executor) == [-3, -1, -2]
        with pytest.raises(TrainingError, match="item 7"):
            run_all(negative, [1, 7], executor)
        assert run_all(negative, [4], executor) == [-4]


@pytest.mark.slow
def test_forty_members_survive_the_loss_of_a_worker():
    def solution(seed: int) -> bytes:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(300, 40, generator=generator, dtype=torch.float64)
        time.sleep(0.05)
        return torch.linalg.solve(x.T @ x, x.sum(0)).numpy().tobytes()

    expected = run_all(solution, range(40), InOrder())
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        done = []

        class Assassin:
            def update(self, stage: str, step: int, total: int, values: Any) -> None:
                done.append(step)
                if step == 10:
                    os.kill(pids[0], signal.SIGKILL)

            def say(self, message: str) -> None:
                pass

        got = run_all(solution, range(40), OnCluster(client), Assassin())
    assert got == expected
    assert done == list(range(1, 41))
