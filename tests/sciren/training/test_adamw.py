"""The optimiser is AdamW, with or without torch's fused kernel."""

import pytest
import torch

from sciren.training.adamw import AdamW, fused_kernel


@pytest.mark.parametrize("kernel", [None, fused_kernel()], ids=["plain", "fused"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_optimiser_is_adamw(kernel, dtype):
    generator = torch.Generator().manual_seed(0)
    start = [
        torch.randn(shape, generator=generator).to(dtype) for shape in ((3, 2), (4,))
    ]
    mine = [p.clone() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    optimiser = AdamW(mine, decay=0.1, factor=0.5, kernel=kernel)
    reference = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1, foreach=False)
    for step in range(20):
        rate = 0.02 * (1 + step % 3)
        slopes = [torch.randn(p.shape, generator=generator).to(dtype) for p in start]
        for p, slope in zip(theirs, slopes, strict=True):
            p.grad = slope.clone()
        reference.param_groups[0]["lr"] = 0.5 * rate
        reference.step()
        optimiser.step(slopes, rate)
    for p, q in zip(mine, theirs, strict=True):
        torch.testing.assert_close(p, q.detach())


def test_this_torch_has_the_fused_kernel():
    assert callable(fused_kernel())
