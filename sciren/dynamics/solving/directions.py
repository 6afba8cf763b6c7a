"""Which directions are carried along a trajectory, by kind of parameter.

constant per group, process constant    one column each
learned start of a state                one column, which enters before the first row
varies per row with K coefficients      K columns, d new / d latent times its basis row
function of a state with K constants    K columns, and an extra term in A_t (`local`); in
                                        derivatives as K constants of the process
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sciren.dynamics.solving.local import Local, local_jacobians
from sciren.dynamics.solving.recurrence import Forced, tangents
from sciren.dynamics.solving.simulation import SeriesProcess, Trajectory

MEMORY = 2**28  # bytes of the Jacobian that are held at once


@dataclass(frozen=True)
class Directions:
    """What the outputs are differentiated by, in this order, physical units.

    Args:
        static: parameters with one value a group (latents per group, constants).
        starts: states whose start is differentiated.
        designs: latent per row -> (T, G, K) its derivative by its coefficients.
        functions: latents of a state, by the constants of their functions.
    """

    static: Sequence[str] = ()
    starts: Sequence[str] = ()
    designs: Mapping[str, np.ndarray] = field(default_factory=dict)
    functions: Sequence[str] = ()


def jacobian(
    process: SeriesProcess, trajectory: Trajectory, directions: Directions
) -> np.ndarray:
    """Return the derivatives of all outputs by all directions, (K, m, G, T)."""
    blocks = [part for _, part in jacobian_blocks(process, trajectory, directions)]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=2)


def jacobian_blocks(
    process: SeriesProcess, trajectory: Trajectory, directions: Directions
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield groups and the derivatives of their outputs, a few groups at a time."""
    local = local_jacobians(process, trajectory, directions.functions)
    forced, count = _forced(process, trajectory, directions, local)
    start = _start(process, trajectory, directions, count)
    rows, groups = process.table.time.shape
    # 8 bytes a double, K columns of T rows and m targets for every group.
    size = max(1, int(MEMORY / (8 * rows * len(process.model.targets) * max(count, 1))))
    for first in range(0, groups, size):
        part = slice(first, first + size)
        here = local.take(part)
        forced_part = [
            directed
            if directed.design is None
            else replace(directed, design=directed.design[:, part])
            for directed in forced
        ]
        yield part, tangents(here, forced_part, start[..., part])


def _forced(
    process: SeriesProcess, trajectory: Trajectory, directions: Directions, local: Local
) -> tuple[list[Forced], int]:
    """Return what moves the steps, and the number of columns."""
    place = process.parameter_names.index
    forced = [
        Forced(slice(k, k + 1), place(name)) for k, name in enumerate(directions.static)
    ]
    count = len(directions.static) + len(directions.starts)
    designs = dict(directions.designs)
    # A function of a state acts like a latent per row whose basis row is known from the
    # trajectory; the way back through the state is in A_t already (`local`).
    for name in directions.functions:
        if name in local.constants:
            continue  # derivatives of ODEs: columns of their own, below
        x = process.input_of(name, trajectory)
        designs[name] = trajectory.values.functions[name].by_constants(x)
    for name, design in designs.items():
        width = design.shape[-1]
        forced.append(Forced(slice(count, count + width), place(name), design))
        count += width
    for columns in local.constants.values():
        for parameter in range(*columns.indices(columns.stop)):
            forced.append(Forced(slice(count, count + 1), parameter))
            count += 1
    return forced, count


def _start(
    process: SeriesProcess, trajectory: Trajectory, directions: Directions, count: int
) -> np.ndarray:
    """Return the effect of every direction on the states before the first row."""
    states, values = process.model.states, trajectory.values
    start = np.zeros((count, len(states), len(process.table)))
    # Only starts move the states before the first row; all other directions begin at
    # zero.
    static = list(directions.static)
    for number, state in enumerate(states):
        if state.of in static:  # the start is a share of a parameter
            start[static.index(state.of), number] = values.starts[state.name]
        if state.name in directions.starts:
            column = len(static) + list(directions.starts).index(state.name)
            values_of = {**process.model.parameters.fixed, **values.parameters}
            start[column, number] = values_of[state.of] if state.of is not None else 1.0
    return start
