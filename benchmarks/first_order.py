"""The regularised first-order step against pykan 0.2.8 and a plain recursion layer.

    python -m benchmarks.first_order --rounds 7 --budget 0.3

One thread, CPU seconds. All candidates of a workload take turns; each turn is a fixed CPU
budget, and the ratios are those within one round: median, least and greatest. Every
candidate has the same data term, entropy, L1 and second differences, and steps of AdamW;
pykan's are rebuilt from the outputs of its own layers. Ours is a step of the training
engine, with its rows, terms and bookkeeping.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.peer_layers import SMOOTH, WEIGHT, pykan_step, recursion_step
from benchmarks.report import Line, markdown
from sciren import KANEncoder, ScIReN, Table, TrainConfig
from sciren.training.first_order.grouped.grouping import groups_of
from sciren.training.first_order.grouped.run import GroupRun
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare

Step = Callable[[], None]


@dataclass(frozen=True)
class Workload:
    """What is compared: widths, rows of a batch, members, and the asked ratios."""

    widths: tuple[int, ...]
    rows: int
    members: int = 1
    floor: float = 0.0
    goal: float = 0.0
    compiled: bool = False

    @property
    def name(self) -> str:
        """Such as 3-8-1, B 240, 60 members, compiled."""
        name = f"{'-'.join(map(str, self.widths))}, B {self.rows}"
        name += f", {self.members} members" if self.members > 1 else ""
        return name + (", compiled" if self.compiled else "")


WORKLOADS = (
    Workload((3, 1), 240, 1, 3.2, 4.0),
    Workload((3, 1), 240, 1, 5.0, 15.0, compiled=True),
    Workload((3, 8, 1), 240, 1, 2.0, 2.4),
    Workload((3, 8, 1), 240, 1, 6.0, 9.5, compiled=True),
    Workload((10, 4), 1018, 1, 6.0, 9.0),
    Workload((64, 64, 64), 4096, 1, 5.0, 6.3),
    Workload((3, 1), 240, 60, 40.0, 70.0),
    Workload((3, 8, 1), 240, 60, 15.0, 26.0),
    Workload((10, 4), 1018, 60, 15.0, 22.0),
)


def engine_step(work: Workload, x: Tensor, y: Tensor) -> Step:
    """A step of the training engine on a fixed batch, all members at once."""
    names = tuple(f"x{k}" for k in range(x.shape[1]))
    targets = tuple(f"y{k}" for k in range(y.shape[1]))
    table = Table(x.double(), {}, y.double(), names, targets)
    config = TrainConfig(
        engine="first-order", epochs=1, batch_size=work.rows, scaling="none",
        schedule="constant", learning_rate=1e-3, entropy=WEIGHT, l1=WEIGHT,
        smooth=SMOOTH, smooth_kind="differences", violation=0.0, precision="float32",
        compile=work.compiled,
    )  # fmt: skip
    members = []
    for seed in range(work.members):
        hidden = work.widths[1:-1]
        encoder = KANEncoder(
            x.shape[1], y.shape[1], hidden, grid=30, shared=True, seed=seed
        )
        model = ScIReN(encoder)
        model.residual_scale = prepare(model, table, table, config).scale
        members.append(Member(model, table, table, config, History("first-order")))
    run = GroupRun(groups_of(members)[0])
    order = run._order()

    def step() -> None:
        run._step(order)

    step()
    if work.compiled and run.compiled is None:
        raise SystemExit(members[0].history.messages[-1])
    return step


def spent(step: Step, budget: float) -> float:
    """Return CPU seconds a step, over steps that take the budget together."""
    steps, start = 0, time.process_time()
    while True:
        step()
        steps += 1
        used = time.process_time() - start
        if used >= budget:
            return used / steps


def compare(work: Workload, rounds: int, budget: float) -> Line:
    """Return the ratios of one workload."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(work.rows, work.widths[0], generator=generator) * 2 - 1
    y = torch.randn(work.rows, work.widths[-1], generator=generator)
    steps = {
        "ours": engine_step(work, x, y),
        "pykan": pykan_step(work.widths, x, y),
        "recursion": recursion_step(work.widths, x, y),
    }
    for step in steps.values():
        spent(step, budget / 3)
    ratios: dict[str, list[float]] = {"pykan": [], "recursion": []}
    ours = []
    for _ in range(rounds):
        times = {name: spent(step, budget) for name, step in steps.items()}
        ours.append(times["ours"] / work.members)
        for name, ratio in ratios.items():
            ratio.append(times[name] / ours[-1])
    median = statistics.median(ratios["pykan"])
    return Line(
        f"first-order step, {work.name}",
        f"{1e6 * statistics.median(ours):.0f} us",
        f"{shown(ratios['pykan'])} over pykan, {shown(ratios['recursion'])} over recursion",
        f"{work.floor:g} / {work.goal:g}",
        "goal"
        if median >= work.goal
        else "floor"
        if median >= work.floor
        else "MISSED",
    )


def shown(ratios: Sequence[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"


def lines(rounds: int = 7, budget: float = 0.3, only: str = "") -> list[Line]:
    """Return the results of all workloads whose name holds a text."""
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = []
        for work in WORKLOADS:
            if only in work.name:
                found.append(compare(work, rounds, budget))
                sys.stderr.write(f"{' | '.join(found[-1])}\n")
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=0.3, help="CPU s a turn")
    parser.add_argument("--only", default="", help="workloads whose name holds this")
    chosen = parser.parse_args(arguments)
    print(markdown(lines(chosen.rounds, chosen.budget, chosen.only)))


if __name__ == "__main__":
    main()
