"""One prepared check of a device: the same numbers as the CPU, and how long both take.

    python -m benchmarks.device                 the first CUDA device
    python -m benchmarks.device --device cpu --size 0.02   the script itself, anywhere

Four works: steps of a small spline network by gradients, members trained as a group, the
soil carbon model forward and backward, and a map predicted by a network. Every result is
compared with the CPU's; the largest difference, over the largest value, has to stay below
the tolerance beside it. Ends with 1 where one does not, with 2 where there is no device.
Under five minutes: the sizes below take the CPU about a minute.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit_ensemble
from sciren.decoders import CLM5SoilCarbon
from sciren.decoders.clm5 import draw_forcing

Work = Callable[[str], dict[str, Tensor]]


@dataclass(frozen=True)
class Check:
    """One work and how closely a device has to follow the CPU.

    Attributes:
        name: of the work.
        work: device -> results on the CPU; whatever it prepares is part of the time.
        tolerance: largest difference over largest value. Sums run in another order on
            a device; 1e-12 a step, times the steps that build on one another, squared
            once more where a matrix is solved.
    """

    name: str
    work: Work
    tolerance: float


def table_of(rows: int, seed: int) -> Table:
    """Return respiration of two drivers and temperature."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, 3, generator=generator, dtype=torch.float64) * 2 - 1
    ta = 12 + 6 * torch.randn(rows, generator=generator, dtype=torch.float64)
    rb = 3 + torch.sin(3 * x[:, 0]) + x[:, 1] ** 2
    noise = 1 + 0.1 * torch.randn(rows, generator=generator, dtype=torch.float64)
    reco = (rb * 1.8 ** ((ta - 15) / 10) * noise).unsqueeze(1)
    return Table(x, {"ta": ta}, reco, ("x0", "x1", "x2"), ("reco",))


def trained(device: str, members: int, rows: int, epochs: int) -> list[ScIReN]:
    """Train some members by gradients on a device."""
    models = [
        ScIReN(KANEncoder(3, 1, hidden=(4,), seed=seed), "auto", Q10Respiration())
        for seed in range(members)
    ]
    config = TrainConfig(
        engine="first-order", epochs=epochs, device=device, select=False, profiles=False
    )
    fit_ensemble(models, table_of(rows, 0), table_of(rows // 4, 1), config)
    return models


def learned(models: Sequence[ScIReN]) -> dict[str, Tensor]:
    """Return what members predict and which constants they learned."""
    rows = table_of(1000, 2)
    return {
        "predictions": torch.stack([m.predict(rows).targets.detach() for m in models]),
        "constants": torch.stack([m.constant_raw.detach() for m in models]),
    }


def soil(device: str, sites: int) -> dict[str, Tensor]:
    """Solve the soil carbon model of some sites, forward and backward."""
    generator = torch.Generator().manual_seed(0)
    unit = 0.2 + 0.6 * torch.rand(sites, 21, generator=generator, dtype=torch.float64)
    leaf = unit.to(device).requires_grad_()
    carbon = CLM5SoilCarbon().steady_state(leaf, draw_forcing(sites).to(device))
    carbon.sum().backward()
    assert leaf.grad is not None
    return {"pools": carbon.detach().cpu(), "gradient": leaf.grad.cpu()}


def mapped(device: str, cells: int) -> dict[str, Tensor]:
    """Predict a map by a network, a quarter of a million cells at a time."""
    model = ScIReN(KANEncoder(3, 1, hidden=(4,)), "auto", Q10Respiration()).to(device)
    parts = []
    for first in range(0, cells, 250_000):
        block = table_of(min(250_000, cells - first), first).to(device)
        with torch.no_grad():
            parts.append(model.predict(block).targets.cpu())
    return {"map": torch.cat(parts)}


def checks(size: float) -> list[Check]:
    """Return the works, whose sizes are multiplied."""

    def count(full: int, least: int) -> int:
        return max(least, round(full * size))

    def few(device: str) -> dict[str, Tensor]:
        return learned(trained(device, 1, count(4000, 300), 5))

    def many(device: str) -> dict[str, Tensor]:
        return learned(trained(device, count(50, 3), count(4000, 300), 5))

    return [
        Check("first-order steps, one model", few, 1e-6),
        Check("first-order steps, grouped members", many, 1e-6),
        Check(
            "soil carbon, forward and backward",
            lambda d: soil(d, count(5000, 20)),
            1e-8,
        ),
        Check("map by a network", lambda d: mapped(d, count(1_000_000, 2000)), 1e-12),
    ]


def timed(work: Work, device: str) -> tuple[dict[str, Tensor], float]:
    """Return results and wall seconds, with the device at rest at both ends."""
    _rest(device)
    began = time.perf_counter()
    found = work(device)
    _rest(device)
    return found, time.perf_counter() - began


def _rest(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return the largest difference of two results over their largest value."""
    worst = 0.0
    for name, value in other.items():
        gap = (one[name] - value).abs().max() / value.abs().max().clamp_min(1e-300)
        worst = max(worst, float(gap.nan_to_num(torch.inf)))
    return worst


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks and print one line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=float, default=1.0, help="multiplies the work")
    given: Any = parser.parse_args(arguments)
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print(
            "no CUDA device is here, or this torch was built without CUDA; "
            "--device cpu --size 0.02 tries the script itself"
        )
        return 2
    name = given.device
    if name.startswith("cuda"):
        name = f"{name} ({torch.cuda.get_device_name(given.device)})"
    print(f"torch {torch.__version__}, {name} against cpu, size {given.size:g}")
    failed = 0
    for check in checks(given.size):
        timed(check.work, given.device)  # kernels are built and memory is taken once
        found, seconds = timed(check.work, given.device)
        expected, own = timed(check.work, "cpu")
        gap = difference(found, expected)
        failed += gap > check.tolerance
        word = "ok" if gap <= check.tolerance else "DIFFERS"
        print(
            f"{check.name}: {word}, difference {gap:.1e} (at most {check.tolerance:g}), "
            f"{seconds:.2f} s against {own:.2f} s on the CPU ({own / seconds:.1f} times)",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
