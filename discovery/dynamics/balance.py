"""Mass balance of a free run: what entered, less what left, is what is stored."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from symbolic.verdict import Check

if TYPE_CHECKING:
    from sciren.dynamics.groups.group_fit import GroupProblem
    from sciren.dynamics.solving.simulation import SeriesProcess, Trajectory

CLOSED = 1e-9  # of all that flowed: sums of ten years of rounding stay below 1e-12
NAME = "mass balance"


def balance_check(problem: "GroupProblem", numbers: np.ndarray) -> Check:
    """Check the balance that a process model declares, over all rows of all groups.

    Args:
        problem: of the groups.
        numbers: (G, Q) latents and constants to run with.
    """
    process = problem.process
    if process.model.balance is None:
        return Check.not_applicable(NAME, "the process model declares no balance")
    run = process.simulate(problem.scale.values(numbers))
    errors = balance_errors(process, run)
    # The worst group decides: a leak in one is a leak in the process.
    worst = int(np.argmax(errors))
    meaning = "inflow - outflow - growth of storage over all that flowed in or out"
    number, closed = float(errors[worst]), bool(errors[worst] <= CLOSED)
    where = str(process.table.groups[worst])
    if not closed:
        where = "; ".join((where, *lying_at_bounds(process, run, worst)))
    return Check(NAME, meaning, number, CLOSED, closed, where)


def lying_at_bounds(
    process: "SeriesProcess", run: "Trajectory", group: int
) -> list[str]:
    """Say which stores of the balance lie at a bound, and in how many rows of a group."""
    model, rows = process.model, int(process.table.lengths[group])
    assert model.balance is not None  # the caller has asked
    told = []
    for place, state in enumerate(model.states):
        after = run.states[place, 1 : rows + 1, group]
        times = int(((after <= state.lower) | (after >= state.upper)).sum())
        if state.name in model.balance.storage and times:
            told.append(f"{state.name} lies at a bound in {times} of {rows} rows")
    return told


def balance_errors(process: "SeriesProcess", run: "Trajectory") -> np.ndarray:
    """Return the relative error (G,) of the declared balance over a run.

        |sum in - sum out - (storage at the end - at the start)| / (sum |in| + sum |out|)

    Of an ODE the derivatives are compared with the flows at every row instead, because
    its flows are not summed anywhere; a state at its bound does not move beyond it.
    """
    model, active = process.model, process.table.active
    assert model.balance is not None  # the caller has asked
    # All flows are (T, G), padded rows included; `active` leaves those out below.
    flows = _flows(process, run)
    into = sum(flows[name] for name in model.balance.inflow)
    out = sum(flows[name] for name in model.balance.outflow)
    size = sum(np.abs(flows[name]) for name in model.balance.named)
    places = [model.state_names.index(name) for name in model.balance.storage]
    # Rates at single moments: the largest gap of a row over the largest flow, nothing
    # summed.
    if model.time == "ode":
        grown = _derivatives(process, run, model.balance.storage)
        imbalance = np.abs(np.where(active, into - out - grown, 0.0)).max(0)
        return imbalance / np.maximum(np.where(active, size, 0.0).max(0), 1e-300)
    # states (S, T + 1, G): sum over the stores that are named, then the end of each
    # group at its own length, since groups are padded.
    stored = run.states[places].sum(0)
    groups = np.arange(stored.shape[1])
    grown = stored[process.table.lengths, groups] - stored[0]
    net = np.where(active, into - out, 0.0).sum(0)
    total = np.where(active, size, 0.0).sum(0)
    return np.abs(net - grown) / np.maximum(total, 1e-300)


def _namespaces(process: "SeriesProcess", run: "Trajectory") -> tuple[Any, Any, Any]:
    """States at the start of every row, parameters and forcings, each (T, G) or (G,)."""
    model = process.model
    states = dict(zip(model.state_names, run.states[:, :-1], strict=True))
    parameters = zip(process.parameter_names, process.parameters_at(run), strict=True)
    fixed = {n: np.asarray(v) for n, v in model.parameters.fixed.items()}
    forcings = dict(zip(model.forcings, process.forcings, strict=True))
    return (
        SimpleNamespace(**states),
        SimpleNamespace(**dict(parameters), **fixed),
        SimpleNamespace(**forcings),
    )


def _flows(process: "SeriesProcess", run: "Trajectory") -> dict[str, np.ndarray]:
    model = process.model
    assert model.balance is not None  # the caller has asked
    s, p, f = _namespaces(process, run)
    # A balance names forcings (rain), outputs (runoff) and flows that the model itself
    # computes for it.
    quantities = vars(f) | dict(zip(model.targets, run.outputs, strict=True))
    if model.balance.flows is not None:
        with np.errstate(all="ignore"):  # padded rows may hold anything
            quantities |= dict(model.balance.flows(s, p, f))
    shape = process.table.time.shape
    return {n: np.broadcast_to(quantities[n], shape) for n in model.balance.named}


def _derivatives(
    process: "SeriesProcess", run: "Trajectory", names: Sequence[str]
) -> np.ndarray:
    """Sum the rates (T, G) at which states grow."""
    result = process.model.called(*_namespaces(process, run))
    # An ODE returns derivatives, or derivatives and outputs.
    rates = result if hasattr(result, "keys") else result[0]
    grown = np.zeros(process.table.time.shape)
    for place, state in enumerate(process.model.states):
        if state.name not in names:
            continue
        now, rate = run.states[place, :-1], rates[state.name]
        rate = np.where(now <= state.lower, np.maximum(rate, 0.0), rate)
        grown += np.where(now >= state.upper, np.minimum(rate, 0.0), rate)
    return grown
