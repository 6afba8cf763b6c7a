"""Speed and memory of the soil carbon solver against dense solutions in the same run.

    python -m benchmarks.soil_solver --sites 1018 --large 60000

Times are CPU seconds on one thread, the best of several runs. "dense" is
``torch.linalg.solve`` on ready-made 140 x 140 systems, forward and backward; ours
includes scalars, inputs, mixing and the gradients of all 21 parameters.
"""

import argparse
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from sciren.decoders.clm5 import CLM5Forcing, draw_forcing
from sciren.decoders.clm5.observe import depth_weights
from sciren.decoders.clm5.parameters import to_physical
from sciren.decoders.clm5.sites import Sites, prepare
from sciren.decoders.clm5.solve import Carbon, CarbonAt, Problem, Readout, solve

UNKNOWNS = 140


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of some repeats."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def moderate(n_sites: int) -> Tensor:
    """Draw parameters (21, n) in the middle of the prior."""
    generator = torch.Generator().manual_seed(0)
    unit = 0.2 + 0.6 * torch.rand(n_sites, 21, generator=generator, dtype=torch.float64)
    return to_physical(unit).T.contiguous()


def structured(
    parameters: Tensor, sites: Sites, readout: Readout, repeats: int
) -> tuple[float, float]:
    """Return CPU seconds of forward, and of forward and backward."""
    problem = Problem(sites, readout)

    def forward() -> None:
        with torch.no_grad():
            solve(parameters, problem)

    def both() -> None:
        leaf = parameters.clone().requires_grad_()
        found = solve(leaf, problem)
        found.backward(torch.ones_like(found))

    return seconds(forward, repeats), seconds(both, repeats)


def dense(n_sites: int, repeats: int) -> tuple[float, float]:
    """Return CPU seconds of forward, and of forward and backward."""
    generator = torch.Generator().manual_seed(0)
    shape = (n_sites, UNKNOWNS, UNKNOWNS)
    systems = 0.01 * torch.rand(shape, generator=generator, dtype=torch.float64)
    systems += 3 * torch.eye(UNKNOWNS, dtype=torch.float64)
    right = torch.rand(n_sites, UNKNOWNS, generator=generator, dtype=torch.float64)
    leaf = systems.requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            torch.linalg.solve(leaf, right)

    def both() -> None:
        leaf.grad = None
        torch.linalg.solve(leaf, right).sum().backward()

    return seconds(forward, repeats), seconds(both, repeats)


def readouts(forcing: CLM5Forcing) -> dict[str, Readout]:
    """Return all layers, and one depth a site."""
    generator = torch.Generator().manual_seed(1)
    depth = 2 * torch.rand(len(forcing), generator=generator, dtype=torch.float64)
    return {"layers": Carbon(), "one depth": CarbonAt(*depth_weights(depth))}


def resident() -> float:
    """Return the memory of this process now, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


class Peak:
    """Greatest memory while a block runs, looked at every few milliseconds."""

    def __enter__(self) -> "Peak":
        self.megabytes, self.running = resident(), True
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()
        return self

    def _watch(self) -> None:
        while self.running:
            self.megabytes = max(self.megabytes, resident())
            time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.watcher.join()


def compare(n_sites: int, repeats: int) -> None:
    """Print times and ratios for some sites."""
    forcing, parameters = draw_forcing(n_sites), moderate(n_sites)
    whole = dense(n_sites, max(2, repeats // 3))
    print(f"{n_sites} sites, dense: forward {whole[0]:.3f} s, both {whole[1]:.3f} s")
    for said, q10 in (("q10 predicted", None), ("q10 fixed", 1.5)):
        sites = prepare(forcing, "published", q10)
        for name, readout in readouts(forcing).items():
            ours = structured(parameters, sites, readout, repeats)
            ratios = [a / b for a, b in zip(whole, ours, strict=True)]
            print(
                f"  {said}, {name}: forward {1e3 * ours[0]:.2f} ms ({ratios[0]:.0f}x), "
                f"both {1e3 * ours[1]:.2f} ms ({ratios[1]:.0f}x)"
            )


def large(n_sites: int, repeats: int) -> None:
    """Print times for a global grid, and memory beyond its forcing."""
    forcing, parameters = draw_forcing(n_sites), moderate(n_sites)
    for name, readout in readouts(forcing).items():
        before = resident()
        with Peak() as peak:
            sites = prepare(forcing, "published", 1.5)
            ours = structured(parameters, sites, readout, repeats)
        print(
            f"{n_sites} sites, {name}: forward {ours[0]:.3f} s, both {ours[1]:.3f} s, "
            f"{1e6 * ours[1] / n_sites:.1f} us a site; {peak.megabytes - before:.0f} MB "
            f"beyond the {before:.0f} MB of forcing and libraries"
        )
        del sites


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, nargs="*", default=[1018])
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for n_sites in chosen.sites:
        compare(n_sites, chosen.repeats)
    if chosen.large:
        large(chosen.large, 2)


if __name__ == "__main__":
    main()
