"""What a grouped training starts from: its device, constants and optimisers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.errors import TrainingError
from sciren.training.config import TrainConfig
from sciren.training.first_order.adamw import AdamW, fused_kernel
from sciren.training.first_order.grouped.state import FlatState
from sciren.training.member import Member

# Positive constants that are trained as they are, not in logs, are kept above this share
# of their start: a step beyond zero has no way back.
SMALLEST = 1e-6


def empty_like(device: str, precision: str) -> Tensor:
    """Return one number on a device and in a precision.

    Raises:
        TrainingError: the device cannot be used.
    """
    try:
        return torch.zeros(
            1, device=torch.device(device), dtype=getattr(torch, precision)
        )
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"device {device!r} cannot be used here ({reason}); use 'cpu'"
        ) from error


def constants_of(member: Member, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return constants and their bounds (K,), on the scale of the training."""
    scale, raw = member.model.constant_scale, member.model.constant_raw.detach().cpu()
    low, high = scale.box()
    if member.config.constants_in_logs:
        return raw.to(like), low.to(like), high.to(like)
    physical, start = scale.to_physical(raw), scale.to_physical(scale.start)
    low, high = scale.to_physical(low), scale.to_physical(high)
    low = torch.where(scale.in_logs, low.clamp_min(SMALLEST * start.abs()), low)
    return physical.to(like), low.to(like), high.to(like)


def optimisers_of(
    configs: Sequence[TrainConfig], numbers: FlatState, constants: int, common: bool
) -> list[AdamW]:
    """Return what moves all numbers, one after the other part of the vector.

    One optimiser for all numbers; two where only the constants differ in their rate or
    decay (both then use the fused kernel); one with rates for every number where members
    differ, or where the step is compiled.

    Args:
        configs: of the members.
        numbers: weights of all members, then their constants.
        constants: how many of the numbers are constants.
        common: whether the rates of all members keep a fixed ratio.
    """
    kernel = None if configs[0].compile else fused_kernel()
    vector, cut = numbers.vector, len(numbers.vector) - constants
    first = configs[0]
    keys = [(c.weight_decay, c.constant_rate_factor, c.learning_rate) for c in configs]
    if common and len(set(keys)) == 1:
        decay, factor, rate = keys[0]
        if constants == 0 or (decay == 0 and factor == 1):
            return [AdamW(vector, decay, rate, kernel)]
        if not first.compile:
            return [
                AdamW(vector[:cut], decay, rate, kernel),
                AdamW(vector[cut:], 0.0, rate * factor, kernel),
            ]
    decays, factors, rates = (
        vector.new_tensor(column)[numbers.owner] for column in zip(*keys, strict=True)
    )
    decays[cut:] = 0.0
    # Constants come last in the vector; they have no weight decay, which would pull a
    # physical number to zero or one.
    rates[cut:] *= factors[cut:]
    return [AdamW(vector, decays, rates, None)]
