"""Where tensors live: the name of a device, checked before anything is moved there."""

import torch

from sciren.errors import TrainingError


def device_named(name: str) -> torch.device:
    """Return a device that works here.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ... as torch writes them.
    Raises:
        TrainingError: there is no device of that name, or not on this machine.
    """
    try:
        device = torch.device(name)
        # asks the driver; torch.device alone takes the name of any kind it knows
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise TrainingError(
            f"device {name!r} is not available here; use device 'cpu'"
        ) from error
    return device
