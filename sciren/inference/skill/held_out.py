"""Does a model predict rows that chose nothing in it, and is something missing in it?

Blocks of rows (groups, or stretches of time twice as long as the residual remembers) are
held out in five folds. In each fold everything is done again on the others: features are
selected, levels, curves and constants fitted. Then on the held-out blocks

1. the model is compared with constant latents (the process without any feature),
2. flexible models that know no process are compared with the model,
3. and flexible models are asked what is left in the model's residual.

A relation is claimed only where a feature is kept and test 1 has p < 0.05: features that
are kept but predict nothing new are no finding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciren.agreement import r2
from sciren.errors import TrainingError
from sciren.inference.conformal import autocorrelation_time, block_labels, fold_labels
from sciren.inference.design import Design, Edge
from sciren.inference.intervals.smooth_fit import fit_smooth
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess
from sciren.inference.relationship import LEVEL
from sciren.inference.selection import Selection, select, select_again
from sciren.inference.skill.flexible import REFERENCES, held_out_predictions
from sciren.inference.skill.missing import MissingPart, missing_part
from sciren.inference.skill.paired import PairedTest, paired_test
from sciren.inference.solve import Fit, solve

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

Predictor = Callable[[ObservedProcess, ObservedProcess], Array]
"""(rows to learn from, new rows) -> mean of the new observations."""

UNFIT = (TrainingError, np.linalg.LinAlgError, ValueError)
"""What a fit raises where rows are too few, or a process has no finite curvature there."""

FOLDS = 5  # of the whole pipeline: half the cost of ten
WORTH = 0.05  # of the squared error: a reference that wins by less is not called better


@dataclass(frozen=True)
class Skill:
    """What held-out blocks say about a model.

    Attributes:
        over_constants: constant latents against the model.
        references: name -> the model against a flexible reference.
        missing: what flexible models still see in the residual.
        kept: number of features' curves in the model fitted to all rows.
        r2: of the model on held-out rows;  constant_r2: of constant latents there.
    """

    over_constants: PairedTest
    references: Mapping[str, PairedTest]
    missing: MissingPart
    kept: int
    r2: float
    constant_r2: float

    @property
    def claimed(self) -> bool:
        """Whether a relation between features and latents is claimed."""
        return self.kept > 0 and self.over_constants.better(LEVEL)

    @property
    def better_reference(self) -> str:
        """Name of the flexible reference that predicts better by 5 %, or ''."""
        best = max(self.references, key=lambda name: self.references[name].share)
        test = self.references[best]
        return best if test.share > WORTH and test.better(LEVEL) else ""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Folds and blocks of the observations, and the columns that references may use.

    Attributes:
        folds, blocks: (m,) of every observation.
        inputs: (m, d) features, forcings that are columns, and the target's number.
    """

    folds: Ids
    blocks: Ids
    inputs: Array

    @classmethod
    def of(
        cls, process: ObservedProcess, residual: Array, folds: int = FOLDS
    ) -> "HeldOut":
        """Cut a process into blocks after the memory of a fitted residual (m,)."""
        rows = row_blocks(process, memory_in_rows(process, residual))
        inputs = known_columns(process)
        return cls(fold_labels(rows, folds)[process.rows], rows[process.rows], inputs)


def memory_in_rows(process: ObservedProcess, residual: Array) -> float:
    """Return the autocorrelation time of a residual (m,), the longest of the targets."""
    if not process.ordered:
        return 1.0
    return max(
        autocorrelation_time(residual[process.targets == target])
        for target in np.unique(process.targets)
    )


def row_blocks(process: ObservedProcess, tau: float) -> Ids:
    """Return the block (n,) of every row: its group, or its stretch of time, or itself."""
    groups = process.table.groups
    if groups is not None:
        return block_labels(process.n_rows, tau, process.ordered, groups)
    # Stretches are cut in the order of the clock, which the rows of the table need not
    # have.
    in_order = block_labels(process.n_rows, tau, process.ordered)
    ids = np.empty(process.n_rows, dtype=np.int64)
    ids[np.argsort(process.clock, kind="stable")] = in_order
    return ids


def known_columns(process: ObservedProcess) -> Array:
    """Return what a flexible model may use (m, d): features, forcings, the target."""
    forcings = [
        value.cpu().numpy()[:, None]
        for value in process.term.forcings.values()
        # Forcings with further dimensions (layers, months) are no columns.
        if value.dim() == 1
    ]
    columns = np.concatenate([process.features, *forcings], axis=1)[process.rows]
    # One reference predicts the observations of all targets, so it has to know which is
    # which.
    if len(process.target_names) > 1:
        return np.column_stack((columns, process.targets))
    return columns


def skill_of_selection(
    process: ObservedProcess, selection: Selection | None = None, folds: int = FOLDS
) -> Skill:
    """Judge what selection and fit find, with everything done again in each fold.

    Args:
        process: observations.
        selection: of all its rows, where known.
        folds: number of folds.
    """
    selected = selection or select(process)
    held = HeldOut.of(process, selected.fit.residual, folds)
    constant = out_of_fold(process, held, constant_mean)
    model = out_of_fold(process, held, selected_mean(selected))
    return judge(
        process,
        held,
        selected.fit,
        selected.whitening,
        constant,
        model,
        len(selected.kept),
    )


def judge(
    process: ObservedProcess,
    held: HeldOut,
    fit: "Fit | Fitted",
    whitening: Whitening,
    constant: Array,
    model: Array,
    kept: int,
) -> Skill:
    """Run the three tests.

    Args:
        process, held: observations and how they are held out.
        fit: of the model to all rows: its residual and sensitivities.
        whitening: of the noise.
        constant, model: (m,) out-of-fold means of constant latents and of the model.
        kept: number of curves in the model.
    """
    values, scale = process.values, whitening.scale
    of_constant = ((values - constant) / scale) ** 2
    of_model = ((values - model) / scale) ** 2
    references = {}
    for name, reference in REFERENCES.items():
        # In units of the noise, so that plain squares weigh the rows as the model does.
        predicted = held_out_predictions(
            held.inputs, values / scale, held.folds, reference
        )
        squares = (values / scale - predicted) ** 2
        references[name] = paired_test(of_model, squares, held.blocks)
    missing = missing_part(
        fit.residual, fit.jacobian, held.inputs, held.folds, held.blocks,
        whitening.whiten, scale,
    )  # fmt: skip
    return Skill(
        paired_test(of_constant, of_model, held.blocks),
        references,
        missing,
        kept,
        explained(process, model),
        explained(process, constant),
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """Residual (m,) and sensitivities (m, P) of any fitted model."""

    residual: Array
    jacobian: Array


def explained(process: ObservedProcess, mean: Array) -> float:
    """Explained share of the variance, weighted, pooled over the targets."""
    value = r2(process.values, mean, process.weights, process.targets)
    return value if np.isfinite(value) else -np.inf


def out_of_fold(process: ObservedProcess, held: HeldOut, predict: Predictor) -> Array:
    """Return the means (m,) of a model that is fitted anew without each fold."""
    result = np.full(len(process), np.nan)
    # Several observations of one row share its fold: a fold is made of whole rows.
    fold_of_row = np.zeros(process.n_rows, dtype=np.int64)
    fold_of_row[process.rows] = held.folds
    for fold in np.unique(held.folds):
        inside = np.flatnonzero(fold_of_row != fold)
        outside = np.flatnonzero(fold_of_row == fold)
        try:
            means = predict(process.take(inside), process.take(outside))
        except UNFIT:
            continue  # too few rows are left; they stay nan and count for nobody
        result[held.folds == fold] = means
    return result


def constant_mean(train: ObservedProcess, new: ObservedProcess) -> Array:
    """Fit latents without features; return their mean (m,) of new rows."""
    design = Design.of(train, (), ())
    return predicted_mean(solve(train, design), new)


def selected_mean(
    selection: Selection,
    also: Sequence[Edge] = (),
    smooth: bool = False,
    most: int | None = None,
) -> Predictor:
    """Return what selects features and fits their curves anew on the rows it is given.

    Args:
        selection: on all rows.
        also: edges that count as selected whatever the rows say (those of equations).
        smooth: whether curves are smoothed as those of intervals are.
        most: rows to learn from, in even stretches of time; default all.
    """

    def predict(train: ObservedProcess, new: ObservedProcess) -> Array:
        train = train if most is None else train.stretches(most)
        # The selection is done again as well: features chosen on all rows know those
        # held out.
        again = select_again(selection, train, also)
        if not smooth:
            return predicted_mean(again.fit, new)
        edges = tuple(dict.fromkeys((*again.kept, *also)))
        fit = fit_smooth(train, again.fit.whitening, edges, (), again.fit)
        return predicted_mean(fit.fit, new)

    return predict


def predicted_mean(fit: Fit, new: ObservedProcess) -> Array:
    """Return the mean (m,) of a fit for other rows."""
    # raw latent = level + sum over edges of basis(x) coefficients; theta begins with
    # the levels.
    raw = np.tile(fit.theta[: fit.design.n_latents], (new.n_rows, 1))
    for block, basis, (feature, latent) in zip(
        fit.design.blocks, fit.design.bases, fit.design.edges, strict=True
    ):
        raw[:, latent] += basis.at(new.features[:, feature]) @ fit.theta[block]
    return new.evaluate(raw, fit.constants).mean
