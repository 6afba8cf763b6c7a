"""AdamW on one vector in one kernel call, or by the plain formula.

`torch.optim.AdamW` computes the same, but its class costs more than a small model's
forward and backward pass, and loading it takes longer than many trainings.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Kernel = Callable[..., Any]
Rate = Tensor | float  # one for each number, or one for all

BETAS = (0.9, 0.999)  # both as in torch.optim.AdamW, so that settings carry over
EPS = 1e-8  # likewise


def fused_kernel() -> Kernel | None:
    """Return torch's fused update, or None in a torch that lacks it."""
    # Its name is private. The optimiser class around it costs more than a small model's
    # two passes: 190 us a step in all, of which the kernel takes 13.
    return getattr(torch, "_fused_adamw_", None)


class AdamW:
    """A vector of parameters moved by AdamW, with rates and decays of their own if asked.

        m <- b1 m + (1 - b1) g        p <- p - rate decay p
        v <- b2 v + (1 - b2) g^2      p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Args:
        vector: (p,) parameters, changed in place.
        decay: weight decay, one number or (p,).
        factor: multiple of the common rate, one number or (p,).
        kernel: the fused update, used where all numbers share decay and factor.
    Attributes:
        first, second: (p,) running means of g and g^2.  count: steps taken.
    Reference: Loshchilov and Hutter 2019.
    """

    def __init__(
        self,
        vector: Tensor,
        decay: Rate = 0.0,
        factor: Rate = 1.0,
        kernel: Kernel | None = None,
    ) -> None:
        self.vector, self.decay, self.factor = vector, decay, factor
        self.first = torch.zeros_like(vector)
        self.second = torch.zeros_like(vector)
        self.count = torch.zeros((), dtype=torch.float32, device=vector.device)
        # Other devices may have the name without an implementation.
        supported = vector.device.type in ("cpu", "cuda")
        self._kernel = kernel if supported else None
        self.steps = 0

    def resume(self, steps: int) -> None:
        """Continue after that many steps (the running means are loaded in place)."""
        self.steps = steps
        self.count.fill_(steps)

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: Rate) -> None:
        """Move the vector by one step against its gradient (p,)."""
        self.steps += 1
        self.count.add_(1)
        rate = rate * self.factor
        # The kernel takes one rate and one decay for all numbers.
        plain = isinstance(rate, Tensor) or isinstance(self.decay, Tensor)
        if plain or self._kernel is None:
            self._step_plainly(gradient, rate)
            return
        self._kernel(
            [self.vector], [gradient], [self.first], [self.second], [], [self.count],
            lr=rate, beta1=BETAS[0], beta2=BETAS[1], weight_decay=self.decay, eps=EPS,
            amsgrad=False, maximize=False,
        )  # fmt: skip

    def _step_plainly(self, gradient: Tensor, rate: Rate) -> None:
        b1, b2 = BETAS
        grown = 1 - b1**self.steps
        spread = (1 - b2**self.steps) ** 0.5
        self.first.lerp_(gradient, 1 - b1)
        self.second.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        # Before the step and beside the gradient: decoupled decay, which the running
        # means of the gradient do not see.
        if isinstance(self.decay, Tensor) or self.decay:
            self.vector.mul_(1 - rate * self.decay)
        size = (self.second.sqrt() / spread).add_(EPS)
        self.vector.addcdiv_(self.first * rate, size, value=-1 / grown)
