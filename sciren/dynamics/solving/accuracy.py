"""How many substeps an interval of an ODE needs: as many as halving them changes nothing."""

from dataclasses import replace

import numpy as np

from sciren.dynamics.solving.simulation import SeriesProcess, Trajectory, Values
from sciren.errors import TrainingError

CLOSE = 1e-5
"""Share of the spread of an output by which halved steps may move it: far below noise, and
with a method of fourth order the error that is left is a sixteenth of that."""

MOST = 256
"""Substeps; explicit steps that small mean a stiff system (spec of dynamic models: 30)."""


def accurate(process: SeriesProcess, values: Values) -> SeriesProcess:
    """Return the process with the fewest substeps, a power of two, that are enough.

    Raises:
        TrainingError: not even `MOST` substeps are.
    """
    if process.model.time != "ode" or process.model.method == "linear":
        return process
    # Each run is used twice: as the halved one of this count, and the coarse one of the
    # next.
    finer, count = replace(process, substeps=1), 1
    ahead = finer.simulate(values)
    while count <= MOST:
        now, coarse = ahead, finer
        finer = replace(process, substeps=2 * count)
        ahead = finer.simulate(values)
        if _close(process, now, ahead):
            return coarse
        # Implicit steps are halved 24 times already: more of them find no solution either.
        if process.model.method == "implicit" and not _finite(process, ahead):
            break
        count *= 2
    raise TrainingError(_refusal(process, _finite(process, ahead)))


def _refusal(process: SeriesProcess, finite: bool) -> str:
    name = process.model.name
    if process.model.method == "implicit" and not finite:
        return (
            f"process model {name!r} has no finite solution at these parameters: even the "
            "shortest implicit steps end at a state that grows without bound, at a rate "
            "without a number, or at one that jumps with its state. Hold the state with "
            "State(low=..., high=...), keep arguments inside with maximum(x, 1e-6), or "
            "choose other starts"
        )
    explicit = process.model.method == "rk4"
    how = "steps of Runge and Kutta" if explicit else "implicit steps"
    remedy = "Declare solver='implicit', replace" if explicit else "Replace"
    return (
        f"process model {name!r} needs more than {MOST} {how} between two "
        "rows: its rates differ too much (stiff), or it has no finite solution at these "
        f"parameters. {remedy} the fastest state by its equilibrium, give rows that are "
        "closer, or choose other starts"
    )


def _finite(process: SeriesProcess, run: Trajectory) -> bool:
    active = process.table.active
    return all(bool(np.isfinite(output[active]).all()) for output in run.outputs)


def _close(process: SeriesProcess, coarser: Trajectory, finer: Trajectory) -> bool:
    if not (_finite(process, coarser) and _finite(process, finer)):
        return False
    active = process.table.active
    for coarse, fine in zip(coarser.outputs, finer.outputs, strict=True):
        # Measured by the range over all groups: a flat group does not ask for substeps.
        change = np.abs(fine - coarse)[active].max()
        if change > CLOSE * max(np.ptp(fine[active]), 1e-300):
            return False
    return True
