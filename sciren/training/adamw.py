"""AdamW in one kernel call a group, with the plain formula where there is no kernel.

`torch.optim.AdamW` computes the same, but its class costs more than a small model's
forward and backward pass, and loading it takes longer than many trainings.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Kernel = Callable[..., Any]

BETAS = (0.9, 0.999)
EPS = 1e-8


def fused_kernel() -> Kernel | None:
    """Return torch's fused update, or None in a torch that lacks it."""
    return getattr(torch, "_fused_adamw_", None)


class AdamW:
    """Parameters that share a weight decay and a rate, moved by AdamW.

        m <- b1 m + (1 - b1) g        p <- p - rate decay p
        v <- b2 v + (1 - b2) g^2      p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Args:
        parameters: leaves on one device, in one precision.
        decay: weight decay.
        factor: their rate, as a multiple of the common one.
        kernel: the fused update, or None for the plain formula.
    Reference: Loshchilov and Hutter 2019.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        decay: float = 0.0,
        factor: float = 1.0,
        kernel: Kernel | None = None,
    ) -> None:
        self.parameters = list(parameters)
        self.decay, self.factor = decay, factor
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [torch.zeros_like(p) for p in self.parameters]
        self._counts = [
            torch.zeros((), dtype=torch.float32, device=p.device)
            for p in self.parameters
        ]
        known = all(p.device.type in ("cpu", "cuda") for p in self.parameters)
        self._kernel = kernel if known else None
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Move the parameters by one step against their gradients."""
        self._steps += 1
        rate = rate * self.factor
        if self._kernel is None:
            self._step_plainly(gradients, rate)
            return
        for count in self._counts:
            count.add_(1)
        self._kernel(
            self.parameters, list(gradients), self._first, self._second, [],
            self._counts, lr=rate, beta1=BETAS[0], beta2=BETAS[1],
            weight_decay=self.decay, eps=EPS, amsgrad=False, maximize=False,
        )  # fmt: skip

    def _step_plainly(self, gradients: Sequence[Tensor], rate: float) -> None:
        b1, b2 = BETAS
        grown = 1 - b1**self._steps
        spread = (1 - b2**self._steps) ** 0.5
        for p, g, m, v in zip(
            self.parameters, gradients, self._first, self._second, strict=True
        ):
            m.lerp_(g, 1 - b1)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            p.mul_(1 - rate * self.decay)
            p.addcdiv_(m, (v.sqrt() / spread).add_(EPS), value=-rate / grown)
