"""verify: five checks of the printed equations against network and data.

None of them trusts the steps that made the equations: the closed forms are evaluated
once as a network of scaled features and once as the sympy expression of raw features,
and the constants must be where the data want them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.model import ScIReN
from sciren.solvers.levenberg import covariance
from sciren.training.gauss_newton.stages import Validation, by_block
from symbolic.model.record import EquationRecord
from symbolic.model.self_checks import (
    EXACT,
    RESOLVED,
    SAME,
    STEP,
    STRETCH,
    WEAK,
    Columns,
    raw_and_table,
    relative_difference,
    round_trip,
    rounding,
    stretched,
)
from symbolic.printing.rounding import unexplained
from symbolic.search.observations import (
    constraints_of,
    matched,
    observed_by,
    raw_process_constants,
    shape_rules,
)
from symbolic.search.problem import SymbolicProblem, newton_step
from symbolic.search.refit import downhill
from symbolic.verdict import Check, Verification

CLOSE = {1: 0.9999, 2: 0.9995}  # R2 of equation against network, by layers
BLOCK_ERRORS = 2.0  # paired block errors by which a held-out loss may be larger


@torch.no_grad()
def verify(
    symbolic: EquationRecord,
    model: ScIReN,
    table: Table,
    valid: Table | None = None,
    test: Table | None = None,
) -> Verification:
    """Check equations against the network and the data; the result is attached.

    Args:
        symbolic: equations to check.
        model: the trained network that they came from.
        table: training rows; valid, test: held-out rows, where known. Without
            validation rows the network is compared on the rows that it was trained on,
            where its freedom is an advantage.
    Raises:
        ColumnError: a table does not fit the model.
    """
    # without validation rows the network is judged where it has the advantage
    table, valid = matched(model, table), matched(model, valid or table)
    tables = {"training": table}
    if test is not None:
        model.check_features(test)
        tables["test"] = test
    bounds = list(zip(model.low.tolist(), model.high.tolist(), strict=True))
    # equations may state bounds of their own, which would then hold for nothing
    stated = symbolic.constraints == constraints_of(model)
    agreement = _agreement(symbolic, model, table)
    held_out = [valid, *_with_targets(model, test)]
    checks = (
        _same_numbers(symbolic, model, tables),
        _close_to_network(symbolic, model, table, held_out, agreement),
        rounding(symbolic, _columns(table)),
        _stationary(symbolic, model, table),
        round_trip(symbolic, _columns(table), bounds, stated),
    )
    # a latent without variance has no R2
    finite = {
        n: float(r2) if np.isfinite(r2) else 0.0 for n, r2 in agreement.latents.items()
    }
    verification = Verification(checks, finite)
    symbolic.attach(verification)
    return verification


def _columns(table: Table, stretch: float = 1.0) -> Columns:
    """Feature columns, spread about the middle of their range."""
    x = table.features.numpy()
    columns = dict(zip(table.feature_names, x.T, strict=True))
    return stretched(columns, stretch, table.kinds)


def _structured(symbolic: EquationRecord, model: ScIReN, columns: Columns) -> Tensor:
    """Physical latents (n, L) of the closed forms as a network of scaled features."""
    # columns in the network's order, whatever the order of the table
    names = model.feature_names or tuple(columns)
    raw = torch.from_numpy(np.stack([columns[name] for name in names], axis=1))
    z = model.scaled(raw).numpy()
    values = np.stack([structure.value(z) for structure in symbolic.structures], axis=1)
    return model.constrain(torch.from_numpy(values))


def _same_numbers(
    symbolic: EquationRecord, model: ScIReN, tables: Mapping[str, Table]
) -> Check:
    worst, where = 0.0, ""
    places = [(part, table, 1.0) for part, table in tables.items()]
    places.append(("1.2x stretched", tables["training"], STRETCH))
    for part, table, stretch in places:
        columns = _columns(table, stretch)
        network = _structured(symbolic, model, columns)
        equation = symbolic.latents(columns)
        for k, name in enumerate(symbolic.latent_names):
            learned, formula = network[:, k].numpy(), equation[name].to_numpy()
            # beyond the data a logarithm may end, on the data it may not
            defined = np.isfinite(formula) | (stretch == 1.0)
            difference = relative_difference(learned[defined], formula[defined])
            if difference >= worst:
                worst, where = difference, f"{name}, {part} rows"
    # the network's own scaling: that of the equations is part of what is checked
    units = replace(
        symbolic.units,
        shift=model.feature_shift.numpy(),
        scale=model.feature_scale.numpy(),
    )
    parts = raw_and_table(symbolic, _columns(tables["training"]), units)
    worst, where = max((worst, where), *parts, key=lambda part: part[0])
    # the traced process against the process itself
    worst, where = _targets_too(symbolic, model, tables["training"], worst, where)
    meaning = "closed forms as a network against the sympy expression, relative"
    return Check("same numbers", meaning, worst, SAME, worst <= SAME, where)


def _targets_too(
    symbolic: EquationRecord, model: ScIReN, table: Table, worst: float, where: str
) -> tuple[float, str]:
    """Compare the targets as well where the process model could be traced."""
    if symbolic.process is None:
        return worst, where
    targets = _equation_targets(symbolic, model, table).numpy()
    frame = _columns(table) | {
        column: table.forcings[name].numpy()
        for name, column in symbolic.forcing_columns.items()
    }
    traced = symbolic.predict(frame)
    for k, name in enumerate(symbolic.target_names):
        difference = relative_difference(targets[:, k], traced[name].to_numpy())
        if difference > worst:
            worst, where = difference, f"target {name}, training rows"
    return worst, where


def _equation_targets(symbolic: EquationRecord, model: ScIReN, table: Table) -> Tensor:
    latents = _structured(symbolic, model, _columns(table))
    values = [symbolic.constants[name] for name in model.decoder.constant_names]
    constants = torch.tensor(values, dtype=torch.float64)
    return model.decoder.evaluate(latents, constants, table.forcings)


@dataclass(frozen=True)
class _Agreement:
    """R2 of the equations against the network, by latent and by target."""

    latents: dict[str, float]
    targets: dict[str, float]


def _agreement(symbolic: EquationRecord, model: ScIReN, table: Table) -> _Agreement:
    network = model.predict(table)
    equation = symbolic.latents(_columns(table))
    latents = {
        name: 1 - unexplained(network.latents[:, k].numpy(), equation[name].to_numpy())
        for k, name in enumerate(symbolic.latent_names)
    }
    targets = _equation_targets(symbolic, model, table).numpy()
    return _Agreement(
        latents,
        {
            name: 1 - unexplained(network.targets[:, k].numpy(), targets[:, k])
            for k, name in enumerate(symbolic.target_names)
        },
    )


def _close_to_network(
    symbolic: EquationRecord,
    model: ScIReN,
    table: Table,
    held_out: list[Table],
    agreement: _Agreement,
) -> Check:
    """Compare with the network: on its own numbers, else by what both miss of the data.

    On few and noisy rows a right formula differs from splines that follow the noise. It
    then passes where its held-out loss (validation and test rows together) is larger
    than the network's by no more than two standard errors of the paired difference over
    blocks: one error would fail a formula that is exactly as good in 16 % of all cases,
    two errors in 2 %.
    """
    # formulas of a hidden layer go through two fits, hence the looser limit
    needed = CLOSE[min(symbolic.record.layers, 2)]
    places = [(r2, f"latent {name}") for name, r2 in agreement.latents.items()]
    places += [(r2, f"target {name}") for name, r2 in agreement.targets.items()]
    # 1.0 stands where there is no latent and no target to compare
    worst, where = min([(1.0, ""), *places])
    ours, theirs = _held_out(symbolic, model, held_out)
    mean, error = ours.excess(0, theirs, 0)
    no_worse = mean <= BLOCK_ERRORS * error
    # The reader is told what is lost, which a tiny but certain difference may hardly be.
    share = mean / max(float(theirs.loss), 1e-300)
    errors = mean / max(error, 1e-300)
    detail = (
        f"{where or 'all'}; held-out loss {share:+.2%} against the network, "
        f"{errors:.2g} block standard errors ({BLOCK_ERRORS:g} allowed)"
    )
    meaning = (
        "R2 of equation against network, or held-out loss no worse by two block errors"
    )
    return Check(
        "close to network", meaning, worst, needed, worst >= needed or no_worse, detail
    )


def _held_out(
    symbolic: EquationRecord, model: ScIReN, tables: list[Table]
) -> tuple[Validation, Validation]:
    """Squares of the equations and of the network by block of the held-out rows."""
    constants = raw_process_constants(model, symbolic.constants).unsqueeze(0)
    own = model.constant_raw.detach().unsqueeze(0)
    ours, theirs = [], []
    for table in tables:
        data = observed_by(symbolic.structures, model, table)
        network = model.raw_latents(data.scaled).unsqueeze(0)
        # raw latents, which the observed loss puts through the constraint itself
        equation = _unconstrained(symbolic, table).unsqueeze(0)
        ours.append(by_block(data.term, equation, constants))
        theirs.append(by_block(data.term, network, own))
    return _joined(ours), _joined(theirs)


def _joined(parts: list[Validation]) -> Validation:
    sums = torch.cat([part.sums for part in parts], dim=1)
    return Validation(sums, torch.cat([part.weights for part in parts]))


def _with_targets(model: ScIReN, test: Table | None) -> list[Table]:
    """The test rows as they can be compared with observations, where they can."""
    if test is None or not set(model.decoder.targets) <= set(test.target_names):
        return []
    matched_rows = matched(model, test)
    return [matched_rows] if bool(torch.isfinite(matched_rows.targets).any()) else []


def _unconstrained(symbolic: EquationRecord, table: Table) -> Tensor:
    """Raw latents (n, L) by the sympy expressions."""
    values = symbolic.unconstrained_values(_columns(table))
    return torch.from_numpy(np.stack(list(values.values()), axis=1))


def _stationary(symbolic: EquationRecord, model: ScIReN, table: Table) -> Check:
    """Take one step to the minimum of the loss, as far as it leads down.

    At the minimum of a curve with a kink the slope does not vanish, it changes its sign.
    """
    data = observed_by(symbolic.structures, model, table)
    options = symbolic.record.options
    rules, margin = shape_rules(model, table, options.shapes), options.domain_margin
    # 1. A full step of all constants that no bound or shape stops.
    problem = SymbolicProblem(
        data.term, data.scaled, symbolic.structures, rules, margin
    )
    theta = problem.start(raw_process_constants(model, symbolic.constants))
    normal = problem.normal(theta, torch.zeros(1, dtype=torch.long))
    held, moving = problem.held_at_bounds(normal, theta)
    step = newton_step(held)[0]
    # Without noise the residual is rounding, and no step could be small against that.
    loss = held.loss.clamp_min(EXACT**2)
    # 2. Its size in standard errors, or in a share of the value where that is smaller.
    spread = covariance(held.matrix, loss, data.term.observations.count)[0]
    error = spread.diagonal().clamp_min(0).sqrt().clamp_min(1e-300)
    # A weak constant may be wrong by per cents within a tenth of its error.
    small = torch.maximum(WEAK * _sizes(theta[0], problem, model), RESOLVED * error)
    moves = step.abs() / torch.minimum(error, small / STEP)
    # 3. Only as far as it leads down: at a kink the whole step may overshoot.
    _, share = downhill(problem, theta, torch.where(moving, step, 0.0))
    moves = torch.where(moving[0], share * moves, 0.0)
    worst, place = float(moves.max()), int(moves.argmax())
    meaning = (
        "one Gauss-Newton step from the stored constants, in standard errors (of "
        f"constants that are known less well: {WEAK:.1%} of the value counts as {STEP:g})"
    )
    detail = f"constant {_names(symbolic, model)[place]}"
    return Check("stationary", meaning, worst, STEP, worst <= STEP, detail)


def _sizes(theta: Tensor, problem: SymbolicProblem, model: ScIReN) -> Tensor:
    """Sizes of the constants (P,), those of the process on their training scale."""
    sizes = theta.abs().clone()
    cut = problem.cuts[-1]
    raw = theta[cut:]
    # a step on the training scale is physical step / slope
    physical = model.constant_scale.to_physical(raw).abs()
    sizes[cut:] = physical / model.constant_scale.slope(raw).abs().clamp_min(1e-300)
    return sizes


def _names(symbolic: EquationRecord, model: ScIReN) -> list[str]:
    names = []
    for structure in symbolic.structures:
        names += [f"{k + 1} of {structure.name}" for k in range(structure.size)]
    return [*names, *model.decoder.constant_names]
