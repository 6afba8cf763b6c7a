"""A study whose latents change in time, as one whose process holds their closed forms.

Latents of rows and of states are found first, with free numbers for every group; their
formulas then belong to the process, and latents of groups are found as without them. The
constants of the formulas stay constants, so that they are refitted with the relations.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import sympy

from discovery.dynamics.functions.stored import stored_formulas
from discovery.dynamics.state_function import families_of, finds_state_function
from symbolic.dynamics.closed.forms import FunctionForms, function_forms
from symbolic.dynamics.closed.model import ClosedModel

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from discovery.dynamics.equations import SeriesEquations
    from discovery.tables.study import SeriesStudy, Study
    from sciren.dynamics.functions.trades import Trade
    from sciren.training import TrainConfig


def closes_functions(study: "Study | SeriesStudy") -> "TypeIs[SeriesStudy]":
    """Whether latents change in time, other than as one function of a state alone."""
    from discovery.tables.study import SeriesStudy

    if not isinstance(study, SeriesStudy) or finds_state_function(study):
        return False
    return bool(study.decoder.latents_in_time)


def function_forms_of(
    study: "SeriesStudy", config: "TrainConfig", say: Callable[[str], None]
) -> FunctionForms:
    """Find the latents that change in time as curves and as closed forms.

    Raises:
        TrainingError: no feature changes in time, or no numbers at the start.
        ExpressionError: the step cannot be written with symbols.
    """
    from sciren.dynamics import fit_functions
    from symbolic.dynamics.recurrence import Recurrence

    # The step is written with symbols first: a process that cannot be is refused before
    # an hour of fitting.
    Recurrence.of(study.decoder, study.table.forcing_columns)
    moving = study.decoder.latents_in_time
    for trade in trades_of(study, config):
        say(f"not identified: {trade.sentence()}. {trade.remedy()}")
    say(f"training: {', '.join(p.name for p in moving)} as curves")
    curves = fit_functions(
        study.decoder, study.split.train, config, study.config.constraint
    )
    say("equations: closed forms of the curves, through the simulation")
    return function_forms(curves, families_of(study))


def trades_of(study: "SeriesStudy", config: "TrainConfig") -> "tuple[Trade, ...]":
    """Return the latents of a study that stand in for each other, before any training."""
    from sciren.dynamics import trades_at_start

    return trades_at_start(
        study.decoder, study.split.train, config, study.config.constraint
    )


def closed_study(study: "SeriesStudy", forms: FunctionForms) -> "SeriesStudy":
    """Return the study of the process with these closed forms."""
    return _closed(study, forms.formulas(), forms.constants)


def closed_again(study: "SeriesStudy", equations: "SeriesEquations") -> "SeriesStudy":
    """Return the same of formulas as they were stored."""
    formulas, constants = stored_formulas(study.decoder, equations)
    return _closed(study, formulas, constants)


def _closed(
    study: "SeriesStudy",
    formulas: Mapping[str, sympy.Expr],
    constants: Mapping[str, float],
) -> "SeriesStudy":
    table = study.table
    # Groups fitted alone would each have constants of their own: here they are numbers.
    if study.decoder.group_latents and not table.static_names:
        numbers = {
            sympy.Symbol(n, real=True): sympy.Float(v) for n, v in constants.items()
        }
        formulas = {
            n: cast("sympy.Expr", f.xreplace(numbers)) for n, f in formulas.items()
        }
        constants = {}
    model = ClosedModel(study.decoder, formulas, constants, table.forcing_columns)
    config = study.config.model_copy(update={"features": list(table.static_names)})
    split = type(study.split)(*map(model.table, study.split))
    return replace(
        study, config=config, decoder=model, table=model.table(table), split=split
    )
