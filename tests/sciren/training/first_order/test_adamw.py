"""The optimiser is AdamW, with or without torch's fused kernel."""

import pytest
import torch

from sciren.training.first_order.adamw import AdamW, fused_kernel


def slopes(steps, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(7, generator=generator).to(dtype) for _ in range(steps)]


def reference(start, rate, decay, found):
    theirs = start.clone().requires_grad_()
    optimiser = torch.optim.AdamW([theirs], lr=rate, weight_decay=decay, foreach=False)
    for step, slope in enumerate(found):
        theirs.grad = slope.clone()
        optimiser.param_groups[0]["lr"] = rate * (1 + step % 3)
        optimiser.step()
    return theirs.detach()


@pytest.mark.parametrize("kernel", [None, fused_kernel()], ids=["plain", "fused"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_optimiser_is_adamw(kernel, dtype, decay):
    start, found = slopes(1, dtype, seed=1)[0], slopes(20, dtype)
    mine = start.clone()
    optimiser = AdamW(mine, decay=decay, factor=0.5, kernel=kernel)
    for step, slope in enumerate(found):
        optimiser.step(slope, 0.02 * (1 + step % 3))
    torch.testing.assert_close(mine, reference(start, 0.01, decay, found))


@pytest.mark.parametrize("by_number", ["factor", "rate"])
def test_every_number_may_have_its_own_rate_and_decay(by_number):
    start, found = slopes(1, torch.float64, seed=1)[0], slopes(20, torch.float64)
    rates = torch.tensor([0.01] * 3 + [0.03] * 4, dtype=torch.float64)
    decays = torch.tensor([0.1] * 3 + [0.0] * 4, dtype=torch.float64)
    mine = start.clone()
    factor = rates if by_number == "factor" else 1.0
    optimiser = AdamW(mine, decays, factor, fused_kernel())
    for step, slope in enumerate(found):
        share = float(1 + step % 3)
        optimiser.step(slope, share * rates if by_number == "rate" else share)
    first, last = reference(start, 0.01, 0.1, found), reference(start, 0.03, 0.0, found)
    torch.testing.assert_close(mine, torch.cat((first[:3], last[3:])))


@pytest.mark.parametrize("kernel", [None, fused_kernel()], ids=["plain", "fused"])
def test_it_goes_on_where_it_stopped(kernel):
    found = slopes(10, torch.float32)
    whole, half = torch.ones(7), torch.ones(7)
    one, two = AdamW(whole, 0.1, kernel=kernel), AdamW(half, 0.1, kernel=kernel)
    for slope in found:
        one.step(slope, 0.1)
    for slope in found[:4]:
        two.step(slope, 0.1)
    again = AdamW(half, 0.1, kernel=kernel)
    again.first.copy_(two.first)
    again.second.copy_(two.second)
    again.resume(two.steps)
    for slope in found[4:]:
        again.step(slope, 0.1)
    assert torch.equal(whole, half)


def test_this_torch_has_the_fused_kernel():
    assert callable(fused_kernel())
