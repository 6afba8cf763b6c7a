"""From the derivatives of states to the states after an interval, arrays or tensors.

linear     x' = A x + b, A and b constant over the interval: the exponential of
           ((A, b), (0, 0)) h, exact for any h
rk4        Runge and Kutta, fourth order, in equal substeps
implicit   diagonally implicit, fourth order, for stiff systems (`implicit`)

Reference: Hairer, Norsett and Wanner 1993, chapter II.1; Van Loan 1978 for the block matrix.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sciren.dynamics.solving.implicit import implicit
from sciren.functions import matrix_exponential

Rates = Callable[[Sequence[Any]], Sequence[Any]]
Advance = Callable[[Rates, Sequence[Any], Any], list[Any]]


def rk4(rates: Rates, states: Sequence[Any], h: Any) -> list[Any]:
    """Return the states after h, by one step of Runge and Kutta."""
    k1 = rates(states)
    k2 = rates(_ahead(states, k1, h / 2))
    k3 = rates(_ahead(states, k2, h / 2))
    k4 = rates(_ahead(states, k3, h))
    mean = [
        (a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True)
    ]
    return _ahead(states, mean, h)


def linear(rates: Rates, states: Sequence[Any], h: Any) -> list[Any]:
    """Return the states after h of a linear system, exactly.

    The matrix is read off the rates at zero and at the unit states.
    """
    count = len(states)
    units = [[float(i == j) for i in range(count)] for j in range(count)]
    constant = rates([0.0] * count)
    columns = [rates(unit) for unit in units]
    zero = 0.0 * states[0]  # gives every entry the shape of the states
    # The block matrix ((A, b), (0, 0)) h: its exponential holds the integral of b too,
    # also where A is singular.
    rows = [
        [
            *((columns[j][i] - constant[i]) * h + zero for j in range(count)),
            constant[i] * h + zero,
        ]
        for i in range(count)
    ]
    raised = matrix_exponential([*rows, [zero] * (count + 1)])
    return [
        sum((raised[i][j] * states[j] for j in range(count)), raised[i][count])
        for i in range(count)
    ]


def _ahead(states: Sequence[Any], rates: Sequence[Any], h: Any) -> list[Any]:
    return [state + h * rate for state, rate in zip(states, rates, strict=True)]


ADVANCE: dict[str, Advance] = {"linear": linear, "rk4": rk4, "implicit": implicit}
"""Solver -> what it does over one substep."""
