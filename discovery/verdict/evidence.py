"""Rows, fits and held-out predictions that the judgement of equations rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.edge_limit import most_edges
from discovery.verdict.equation_fit import EquationFit
from sciren.inference.conformal import spread

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data import Table
    from sciren.inference.observed import ObservedProcess
    from sciren.inference.selection import Selection
    from sciren.inference.skill import HeldOut, MissingPart, PairedTest
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

Array = NDArray[np.float64]

MOST_ROWS = 10_000  # every k-th row of a longer record: more rows change no verdict


def pooled(parts: "Mapping[str, Table]", most: int = MOST_ROWS) -> "Table":
    """Join the parts of a split to one table again; a long one is thinned evenly."""
    from sciren.data import Table

    joined = Table.concatenate(list(parts.values()))
    # -(-n // most) is n / most rounded up. Every k-th row keeps all seasons and groups.
    return joined.take(np.arange(0, len(joined), -(-len(joined) // most)))


@dataclass(frozen=True)
class Fresh:
    """The equations as they stand on the test rows, which chose nothing.

    Attributes:
        test: constant latents (fitted to the other rows) against the equations.
        r2, constant_r2: of both on the test rows.
    """

    test: "PairedTest"
    r2: float
    constant_r2: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that is computed once for the three answers.

    Attributes:
        process: observations of all rows of the run.
        selection: features by whitened tests on all these rows; None where they are
            too few for it.
        held: folds, blocks and columns for references.
        stored: equations as they were found;  fit: with constants fitted to all rows.
        equation, constant, repeated: (m,) out-of-fold means: of the equations with
            constants fitted anew, of constant latents, of the selection done anew (among
            few edges; else of the selected curves fitted anew).
        scale: (m,) standard deviation of the noise up to a factor.
        fresh: comparison on the test rows, where there are any.
        unasked: why no selection could be made; empty where nothing stood in its way.
        plain: whether there is no process model: what is judged is a regression.
    """

    process: "ObservedProcess"
    selection: "Selection | None"
    held: "HeldOut"
    stored: EquationFit
    fit: EquationFit
    equation: Array
    constant: Array
    repeated: Array | None
    scale: Array
    fresh: Fresh | None
    unasked: str = ""
    plain: bool = False

    @classmethod
    def gather(
        cls,
        equations: "SymbolicModel",
        model: "ScIReN",
        parts: "Mapping[str, Table]",
    ) -> "Evidence":
        """Select, cut into folds, and predict every fold from the others.

        Args:
            equations, model: what is judged, and its process model.
            parts: name -> table; rows of "test" have chosen nothing.
        Raises:
            TrainingError: the process model does not act row by row.
        """
        from sciren.inference.observed import ObservedProcess
        from sciren.inference.selection import select
        from sciren.inference.skill.held_out import (
            UNFIT,
            HeldOut,
            constant_mean,
            out_of_fold,
            selected_mean,
        )
        from symbolic.pipeline import matched

        process = ObservedProcess.of(model, matched(model, pooled(parts)))
        # Without a selection there is no law of the noise either; the weights stand for
        # it.
        selection, scale, unasked = None, 1 / np.sqrt(process.weights), ""
        edges = len(process.feature_names) * process.n_latents
        if edges < most_edges(model):
            try:
                selection = select(process)
                scale = selection.whitening.scale
            except UNFIT as error:
                unasked = str(error)
        stored = EquationFit.of(equations, model, process)
        everywhere = np.ones(len(process), dtype=bool)
        # The training knew only its part of the rows; residual, memory and what is
        # missing are asked of all of them.
        fit = replace(stored, theta=stored.refitted(everywhere, scale))
        held = HeldOut.of(process, process.values - fit.mean(fit.theta))
        # selection adds up curves, so it cannot find again what acts in interaction
        joint, repeated = any(part.interacting for part in fit.structures), None
        if selection is not None and not joint:
            repeated = out_of_fold(process, held, selected_mean(selection))
        return cls(
            process,
            selection,
            held,
            stored,
            fit,
            _refitted_out_of_fold(fit, held, scale),
            out_of_fold(process, held, constant_mean),
            repeated,
            scale,
            _fresh(equations, model, parts),
            unasked,
            model.decoder.name == "identity",
        )

    @property
    def baseline(self) -> str:
        """What the equations must beat, in the words of a reader."""
        return "the mean" if self.plain else "constant latents"

    @property
    def selected_anew(self) -> Array | None:
        """Out-of-fold means whose features were selected without the fold, or None."""
        few = self.selection is not None and self.selection.few
        return self.repeated if few else None

    def test_of(self, first: Array, second: Array) -> "PairedTest":
        """Compare two out-of-fold means (m,) by their squared errors."""
        from sciren.inference.skill import paired_test

        # Errors in units of the noise: a row counts for what it tells, not for its
        # size.
        squares = [
            ((self.process.values - mean) / self.scale) ** 2 for mean in (first, second)
        ]
        return paired_test(squares[0], squares[1], self.held.blocks)

    def held_out_r2(self) -> tuple[float, float]:
        """Return R2 out of fold of the equations and of constant latents."""
        from sciren.inference.skill.held_out import explained

        return (
            explained(self.process, self.equation),
            explained(self.process, self.constant),
        )

    def residual(self) -> Array:
        """Return observed minus fitted (m,) of the equations."""
        return self.process.values - self.fit.mean(self.fit.theta)

    @cached_property
    def missing_part(self) -> "MissingPart":
        """Ask flexible models what is left in the residual of the equations."""
        from sciren.inference.skill import missing_part

        whitening = None if self.selection is None else self.selection.whitening
        return missing_part(
            self.residual(),
            self.fit.jacobian(self.fit.theta),
            self.held.inputs,
            self.held.folds,
            self.held.blocks,
            None if whitening is None else whitening.whiten,
            self.scale,
        )

    def lack_of_fit(self) -> dict[str, float]:
        """Return the standard deviation of what is missing, by target.

            sd = sqrt(share of the residual that flexible models predict * mean square)

        of residuals in units of max(|mean|, floor)^power, the noise's scale; empty where
        nothing is seen to be missing.
        """
        if not self.missing_part.fires:
            return {}
        # The whole is the share of variance that could be predicted; its square root is
        # a deviation that adds in quadrature to that of the mean.
        residual, mean = self.residual(), self.fit.mean(self.fit.theta)
        law = None if self.selection is None else self.selection.law
        by_target = {}
        for k, name in enumerate(self.process.target_names):
            mine = self.process.targets == k
            power, floor = law.growth(k).of_observations if law else (0.0, 0.0)
            scaled = residual[mine] / spread(mean[mine], power, floor)
            by_target[name] = float(
                np.sqrt(self.missing_part.share * np.mean(scaled**2))
            )
        return by_target


def _refitted_out_of_fold(fit: EquationFit, held: "HeldOut", scale: Array) -> Array:
    result = np.full(len(fit.process), np.nan)
    for fold in np.unique(held.folds):
        # Families and features stay, only constants are fitted anew; whether the choice
        # of features would repeat is what `repeated` asks.
        outside = held.folds == fold
        result[outside] = fit.mean(fit.refitted(~outside, scale))[outside]
    return result


def _fresh(
    equations: "SymbolicModel", model: "ScIReN", parts: "Mapping[str, Table]"
) -> Fresh | None:
    """Compare on the test rows, where there are some with observed targets.

    The baseline is that of the table of scores, so that a report holds one number.
    """
    from discovery.results.baselines import constant_latents
    from discovery.results.scoring import equation_targets
    from sciren.inference.observed import ObservedProcess
    from sciren.inference.skill.held_out import HeldOut
    from sciren.inference.skill.paired import paired_test
    from symbolic.pipeline import matched

    test, train = parts.get("test"), parts.get("train")
    if test is None or train is None or not bool(test.observed.any()):
        return None
    held_out = ObservedProcess.of(model, matched(model, test))
    table, scale = held_out.table, held_out.term.observations.scale
    # Both were fixed before the test rows were seen, so no refit and no fold is needed
    # here.
    constant = constant_latents(model, matched(model, train))(table)
    equation = equation_targets(equations, model, table)
    residuals = [
        held_out.values
        - scale.transform(prediction).cpu().numpy()[held_out.rows, held_out.targets]
        for prediction in (constant, equation)
    ]
    squares = [residual**2 * held_out.weights for residual in residuals]
    # A prediction that is not finite loses its row, whatever the other one does.
    squares = [np.where(np.isfinite(square), square, np.inf) for square in squares]
    held = HeldOut.of(held_out, residuals[0])
    return Fresh(
        paired_test(squares[0], squares[1], held.blocks),
        _physical_r2(held_out, equation),
        _physical_r2(held_out, constant),
    )


def _physical_r2(process: "ObservedProcess", predicted: "Tensor") -> float:
    """R2 of predictions (n, t); of several targets together in units of their deviation."""
    from sciren.agreement import r2

    table, unit = process.table, process.term.observations.scale.sd
    observed, ours = (
        (values / unit).cpu().numpy()[process.rows, process.targets]
        for values in (table.targets, predicted)
    )
    value = r2(observed, ours, process.weights, process.targets)
    # A score that is not finite counts as the worst, and still compares.
    return value if np.isfinite(value) else -np.inf
