"""Skilful: the equations predict rows that chose nothing in them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.record import Reason
from sciren.inference.identifiability.quantities import listed
from sciren.inference.relationship import LEVEL
from sciren.inference.skill.held_out import WORTH

if TYPE_CHECKING:
    from discovery.verdict.evidence import Evidence
    from sciren.inference.skill import PairedTest
    from symbolic.model.symbolic_model import SymbolicModel

Array = NDArray[np.float64]

LARGE = 10.0  # times the squared error from which a share tells no more
UNREPEATED = 0.001  # where neither selection can be repeated nor rows were left out
RESEMBLING = 0.1  # lag-1 correlation of residuals in the order of the file
UNEQUAL = (
    "the two disagree, because large and small values are not predicted equally well"
)
HIDDEN_LAYER = (
    "a hidden layer (encoder.hidden: [2]; auto keeps one where validation gains 15 %)"
)
FAR, REPEATED = 20.0, 3
"""Robust deviations from the median, and times that one value occurs out there, above
which it looks like a code for missing values: -9999 is never alone."""


def skilful_reasons(equations: "SymbolicModel", evidence: "Evidence") -> list[Reason]:
    """Return whether the equations beat constant latents, and what beats them."""
    return [
        *fill_values(evidence),
        relation(equations, evidence),
        *on_test_rows(evidence),
        reference(evidence),
        missing(evidence),
        *unnamed_order(evidence),
    ]


def relation(equations: "SymbolicModel", evidence: "Evidence") -> Reason:
    """A relation is claimed only where a feature stays and beats constant latents."""
    targets = _targets(evidence)
    if not any(
        structure.edges or structure.nodes for structure in equations.structures
    ):
        return _without_features(equations.latent_names, targets)
    test = evidence.test_of(evidence.constant, evidence.equation)
    # Out of fold with the selection repeated in every fold: the only test of the choice
    # of features where no test rows were left out.
    again = None
    if evidence.selected_anew is not None:
        again = evidence.test_of(evidence.constant, evidence.selected_anew)
    fresh = evidence.fresh
    # what chose the formula has seen every row, unless selection or new rows agree
    level = UNREPEATED if again is None and fresh is None else LEVEL
    confirmed = again is None or again.better(LEVEL)
    # New rows confirm as well as a repeated selection: they saw nothing of the
    # training.
    confirmed |= fresh is not None and fresh.test.better(LEVEL)
    scores = evidence.held_out_r2()
    if test.better(level) and confirmed:
        sentence = (
            f"On held-out blocks {_scores(evidence, scores)}; {_tested(evidence, test)} "
            f"(p = {_p(test.p)}, {test.blocks} blocks)"
        )
        # The test weighs rows by their noise, R2 counts all the same; a claim needs
        # both.
        if scores[0] > scores[1]:
            return Reason("skilful", targets, True, sentence, test.p, level, rank=6)
        return Reason(
            "skilful", targets, False, f"{sentence}; {UNEQUAL}", scores[0], scores[1],
            "Look where it fails, and do not add up its predictions over all rows", rank=1,
        )  # fmt: skip
    # Two ways to fail: the formula itself, or the selection when it is done anew.
    if not test.better(level):
        sentence = (
            f"On held-out blocks the equations are not shown to predict {targets} better "
            f"than {evidence.baseline}: {_scores(evidence, scores)}; {_tested(evidence, test)} "
            f"(p = {_p(test.p)}, limit {level:g})"
        )
        number = test.p
    else:
        assert again is not None
        sentence = (
            "When features are selected anew without each fold, they are not shown to "
            f"predict {targets} better than {evidence.baseline}: {_change(again)} "
            f"(p = {_p(again.p)}, limit {LEVEL:g})"
        )
        number = again.p
    return Reason(
        "skilful", targets, False, sentence, number, level,
        "Claim no relation; it takes more blocks (sites, seasons) or other features",
        fatal=True, rank=0,
    )  # fmt: skip


def _without_features(latents: Sequence[str], targets: str) -> Reason:
    """Say that the equations hold constants alone."""
    stay = "stays" if len(latents) == 1 else "stay"
    return Reason(
        "skilful", targets, False,
        f"No relation is claimed: the equations hold no feature, {listed(latents)} "
        f"{stay} constant",
        next_step="Offer features that could act, or report the constants alone",
        fatal=True, rank=0,
    )  # fmt: skip


def on_test_rows(evidence: "Evidence") -> list[Reason]:
    """The equations as they stand against constant latents, on the test rows."""
    fresh = evidence.fresh
    if fresh is None:
        return []
    ours, constant = scores = fresh.r2, fresh.constant_r2
    told, better = _scores(evidence, scores), ours > constant
    closer = fresh.test.share > 0
    sentence = f"On the test rows, which chose nothing, {told}"
    if better and closer:
        return [Reason("skilful", "test rows", True, sentence, *scores, rank=7)]
    if better or closer:  # a fit of logarithms counts other rows than R2 does
        sentence += (
            f"; {_tested(evidence, fresh.test, 'on the scale of the fit')}; {UNEQUAL}"
        )
    else:
        sentence += f": the equations are no better than {evidence.baseline}"
    return [
        Reason(
            "skilful", "test rows", False, sentence, *scores,
            "What was learned does not carry over to these rows: do not predict with it, "
            "and compare how features differ between the parts",
            fatal=not better, rank=0 if not better else 1,
        )
    ]  # fmt: skip


def reference(evidence: "Evidence") -> Reason:
    """Flexible models of features and forcings, fitted to the target itself."""
    from sciren.inference.skill.flexible import REFERENCES, held_out_predictions

    held, values = evidence.held, evidence.process.values
    # Flexible models see features and forcings, no process: they bound what is
    # predictable from these columns. The equations are compared with the best, which
    # favours doubt.
    tests: dict[str, PairedTest] = {}
    for name, model in REFERENCES.items():
        scaled = values / evidence.scale
        predicted = held_out_predictions(held.inputs, scaled, held.folds, model)
        tests[name] = evidence.test_of(evidence.equation, predicted * evidence.scale)
    best = max(tests, key=lambda name: tests[name].share)
    test = tests[best]
    targets = _targets(evidence)
    # Both material and certain: with many rows a gain of 0.1 % is certain, with few a
    # gain of 20 % is chance.
    if test.share > WORTH and test.better(LEVEL):
        sentence = (
            f"A flexible model ({best}) predicts {targets} with {test.share:.0%} less "
            f"squared error on held-out blocks (p = {_p(test.p)})"
        )
        return Reason(
            "skilful", "flexible reference", False, sentence, test.share, WORTH,
            _left_out(evidence),
            rank=2,
        )  # fmt: skip
    larger = test.share > WORTH  # but by chance, for all that is known
    sentence = (
        f"No flexible model {'is shown to predict' if larger else 'predicts'} {targets} "
        f"better on held-out blocks by more than {WORTH:.0%} ({best}: {_change(test)}"
        f"{f', p = {_p(test.p)}' if larger else ''})"
    )
    return Reason(
        "skilful", "flexible reference", True, sentence, test.share, WORTH, rank=9
    )


def missing(evidence: "Evidence") -> Reason:
    """Flexible models of the residual."""
    test = evidence.missing_part
    share = f"{test.share:.1%} of the residual"
    if test.fires:
        sentence = (
            f"Something is missing: on held-out blocks the columns predict {share} "
            f"({test.reference}, p = {_p(test.p)}, limit {LEVEL:g})"
        )
        return Reason(
            "skilful",
            "residual",
            False,
            sentence,
            test.p,
            LEVEL,
            _remedy(evidence),
            rank=1,
        )
    sentence = (
        f"Nothing is seen to be missing: flexible models predict {share} "
        f"(p = {_p(test.p)})"
    )
    return Reason("skilful", "residual", True, sentence, test.p, LEVEL, rank=9)


def _left_out(evidence: "Evidence") -> str:
    if evidence.plain:
        return (
            f"The equation leaves something out: try {HIDDEN_LAYER}, or name the process behind "
            "it (decoder)"
        )
    return (
        "The process model or its features leave something out: try another response, a "
        "hidden layer, or features that it uses"
    )


def _remedy(evidence: "Evidence") -> str:
    """Say what may hold the missing part: a product, classes together, another process."""
    from sciren.data.kinds import Categorical

    ways = [HIDDEN_LAYER]
    kinds = evidence.process.table.kinds
    classes = [name for name, kind in kinds.items() if isinstance(kind, Categorical)]
    if len(classes) > 1:
        # effects of classes add up; cells of a two-way table need not
        ways.append(f"one column for the combinations of {listed(classes)}")
    if not evidence.plain:
        ways.append("another response of the process model")
    # The cubic ridge is the reference with products; where it wins, an interaction is
    # likely.
    if evidence.missing_part.reference == "cubic ridge":
        return f"It may be a product of columns: try {' or '.join(ways)}"
    return (
        f"Try {', '.join(ways)}, or more families; intervals hold only for what the "
        "equations can say"
    )


def fill_values(evidence: "Evidence") -> list[Reason]:
    """Values of a target that look like codes for missing ones."""
    table, reasons = evidence.process.table, []
    for name, column in zip(table.target_names, table.targets.numpy().T, strict=True):
        values = column[np.isfinite(column)]
        middle = float(np.median(values)) if len(values) else 0.0
        spread = (
            # 1.4826 * MAD is the standard deviation of a normal distribution; unlike
            # the deviation it is not carried away by the very codes that are sought.
            1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0
        )
        if spread <= 0:
            continue
        far = values[np.abs(values - middle) > FAR * spread]
        codes, counts = np.unique(far, return_counts=True)
        shown = table.target_columns.get(name, name)
        for code, count in zip(codes, counts, strict=True):
            # Measured extremes hardly repeat to the last digit; codes do.
            if count < REPEATED:
                continue
            apart = abs(float(code) - middle) / spread
            sentence = (
                f"{shown} is {code:.6g} in {count} rows, {apart:.0f} deviations from the "
                "median: that looks like a code for missing values"
            )
            step = f"Leave these rows out (data.rows) or make {shown} empty there"
            reasons.append(
                Reason("skilful", shown, False, sentence, apart, FAR, step, True, -1)
            )
    return reasons[:3]


def unnamed_order(evidence: "Evidence") -> list[Reason]:
    """Neighbouring rows that resemble each other although nothing says why."""
    process = evidence.process
    if process.ordered or process.groups is not None or process.sorted_by_target:
        return []
    # In the order of the file, which is the order of measuring more often than not.
    residual = (evidence.residual() / evidence.scale)[np.argsort(process.rows)]
    value = float(np.corrcoef(residual[:-1], residual[1:])[0, 1])
    # 1 / sqrt(m) is the standard error of a correlation of independent rows.
    if not value > max(RESEMBLING, 3 / np.sqrt(len(residual))):
        return []
    sentence = (
        f"Neighbouring rows of the file resemble each other (correlation {value:.2f} of "
        "their residuals), but neither time nor groups are named: errors are too small"
    )
    step = "Name the column of time or of groups (data.time, data.groups)"
    return [
        Reason(
            "skilful", "order of rows", False, sentence, value, RESEMBLING, step, rank=2
        )
    ]


def _targets(evidence: "Evidence") -> str:
    process = evidence.process
    columns = process.table.target_columns
    return ", ".join(columns.get(name, name) for name in process.target_names)


def _scores(evidence: "Evidence", scores: tuple[float, float]) -> str:
    """R2 as the table of scores has it: every row counts the same."""
    from visualize.labels import score

    ours, constant = (score(value, 3).replace("−", "-") for value in scores)
    return (
        f"R2 of {_targets(evidence)} is {ours}, that of {evidence.baseline} {constant}"
    )


def _tested(
    evidence: "Evidence",
    test: "PairedTest",
    how: str = "with every row weighed by its noise",
) -> str:
    """The errors that are tested, which weigh the rows otherwise than R2 does."""
    return f"{how}, against {evidence.baseline}: {_change(test)}"


def _change(test: "PairedTest") -> str:
    if not np.isfinite(test.share):
        return "some predictions are not finite"
    if test.share < -LARGE:
        return f"squared error more than {LARGE:.0f} times as large"
    share = f"{abs(test.share):.1%}"
    if share == "100.0%" and test.share < 1:
        share = "over 99.9%"
    return f"squared error {share} {'smaller' if test.share > 0 else 'larger'}"


def _p(value: float) -> str:
    if value < 0.001:
        return "0.001 or less"
    # Rounded, a value just above the limit would look as if it were on it.
    rounded = float(f"{value:.2g}")
    return f"{value:.2g}" if (rounded > LEVEL) == (value > LEVEL) else f"{value:.3g}"
