"""What an installation has and whether it works: versions, device, tools, a self test."""

import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

TOOLS = {  # program -> what it is for
    "pdflatex": "compiles equations.tex and tex/paper.tex",
    "gcc": "compiles the C code of equations",
    "gfortran": "compiles the Fortran code of equations",
    "Rscript": "runs the R code of equations",
    "julia": "runs the Julia code of equations",
    "chromium": "opens reports in the browser tests",
}
EXTRAS = {  # package -> extra that brings it, and what it is for
    "optuna": ("tune", "searches settings"),
    "dask": ("scale", "runs many fits on a cluster"),
    "zarr": ("big", "reads Zarr"),
    "mkdocs": ("docs", "builds the manual"),
}
ROWS = 400  # of the self test: solved in about a second
Q10, CLOSE = 1.5, 0.02  # truth of the self test, and how near its estimate must be


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes:
        name: what was looked at;  told: what is there.
        good: whether nothing needs to be done; None for what is optional and missing.
    """

    name: str
    told: str
    good: bool | None = True

    def __str__(self) -> str:
        mark = {True: "ok", False: "FAIL", None: "-"}[self.good]
        return f"{mark:4}  {self.name}: {self.told}"


def examine(self_test: bool = True) -> Iterator[Finding]:
    """Yield what an installation has, and at last whether it finds a known equation.

    Args:
        self_test: also fit 400 simulated rows, about five seconds.
    """
    from discovery.config.file import versions

    yield Finding(
        "system", f"{platform.platform()}, Python {platform.python_version()}"
    )
    for name, version in versions().items():
        yield Finding(name, version)
    yield from _device()
    for program, use in TOOLS.items():
        path = shutil.which(program)
        # None and not False: optional tools that are missing are no failure.
        yield Finding(program, path or f"missing; it {use}", bool(path) or None)
    for package, (extra, use) in EXTRAS.items():
        there = find_spec(package) is not None
        told = "there" if there else f'missing; it {use}: pip install "sciren[{extra}]"'
        yield Finding(package, told, there or None)
    if self_test:
        yield _self_test()


def _device() -> Iterator[Finding]:
    import torch

    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    yield Finding("threads", f"{threads} of {cores} cores (OMP_NUM_THREADS changes it)")
    cuda = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if cuda else "the CPU, which is enough"
    yield Finding("device", device)


def _self_test() -> Finding:
    """Fit base respiration and Q10 to simulated rows whose truth is known."""
    start = time.perf_counter()
    estimate = fitted_q10()
    seconds = time.perf_counter() - start
    good = abs(estimate - Q10) <= CLOSE
    told = f"Q10 = {estimate:.4f}, truth {Q10:g}, {seconds:.1f} s"
    return Finding("self test", told, good)


def fitted_q10() -> float:
    """Return the Q10 that the toolkit finds in 400 rows without noise, truth 1.5."""
    import numpy as np
    import pandas as pd

    from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit

    rng = np.random.default_rng(0)
    # Rows without noise and a base that is linear in light: anything but 1.5 is a fault
    # of the installation.
    light, ta = rng.uniform(0, 1, ROWS), rng.uniform(-5, 25, ROWS)
    reco = (1 + 2 * light) * Q10 ** ((ta - 15) / 10)
    frame = pd.DataFrame({"light": light, "ta": ta, "reco": reco})
    table = Table.from_frame(frame, ["light"], ["ta"], ["reco"])
    model = ScIReN(KANEncoder(n_inputs=1, n_outputs=1), "auto", Q10Respiration())
    half, settings = ROWS // 2, TrainConfig(smooth=0.001, profile_points=9)
    fit(model, table.take(slice(half)), table.take(slice(half, None)), settings)
    return float(model.constants()["q10"])
