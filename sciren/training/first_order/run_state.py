"""What a grouped training writes into its checkpoints, and how it goes on from there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sciren.training.first_order.stopping import Best

if TYPE_CHECKING:
    from sciren.training.first_order.grouped.run import GroupRun


def state_of(run: "GroupRun") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return everything that the further steps depends on."""
    tensors = {
        "numbers": run.numbers.vector,
        "buffers": run.stack.buffers.vector,
        "best numbers": run.best_numbers,
        "best buffers": run.best_buffers,
    }
    for k, optimiser in enumerate(run.optimisers):
        tensors |= {f"first {k}": optimiser.first, f"second {k}": optimiser.second}
    for k, generator in enumerate(run.generators):
        tensors[f"generator {k}"] = generator.get_state()
    if run.full_batch is not None:
        tensors |= run.full_batch.state()
    best = [member_best.record() for member_best in run.best]
    state = {"epoch": run.epoch, "step": run.step, "best": best, "rows": run.rows}
    return tensors, state


@torch.no_grad()
def restore(
    run: "GroupRun", tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Go on from what `state_of` returned; the histories get the rows so far."""
    run.numbers.vector.copy_(tensors["numbers"])
    run.stack.buffers.vector.copy_(tensors["buffers"])
    run.best_numbers.copy_(tensors["best numbers"])
    run.best_buffers.copy_(tensors["best buffers"])
    run.epoch, run.step = int(state["epoch"]), int(state["step"])
    for k, optimiser in enumerate(run.optimisers):
        optimiser.first.copy_(tensors[f"first {k}"])
        optimiser.second.copy_(tensors[f"second {k}"])
        optimiser.resume(run.step)
    if run.full_batch is not None:
        run.full_batch.load(tensors)
    for k, generator in enumerate(run.generators):
        generator.set_state(tensors[f"generator {k}"])
    run.best = [Best.read(record) for record in state["best"]]
    run.rows = [list(rows) for rows in state["rows"]]
    for k, member in enumerate(run.members):
        for number, row in enumerate(run.rows[k]):
            member.history.append(run.group.stage, number + 1, row)
        if run.best[k].stopped >= 0:
            member.history.say(run.lowest(k))
    # Knots are among the buffers: what was planned for the old ones is wrong.
    run.stack.reload()
    run.keep()
