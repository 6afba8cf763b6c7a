"""A composition as a SymbolicModel: saved, printed, exported like any other."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from symbolic.expression.tracing import trace
from symbolic.model.fit_record import ComposedLatent, ConstantsRecord, FitRecord
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.terms.constant_rows import constant_rows
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.rebuild import constrained, raw_constants, raw_expression

if TYPE_CHECKING:
    from symbolic.composition.fitting.through_process import Process
    from symbolic.composition.record import CompositionRecord

METHOD = "least squares of the composition (Jacobian; residuals of equal variance)"


def model_of(composition: "CompositionRecord") -> SymbolicModel:
    """Return the equation with its process, constants and tables as a model.

    Behind a process the latent is cut at its bounds, as every equation of a model is. A
    process that cannot be run on symbols is left out; the model then gives the latent.
    """
    import pandas as pd

    form, units, process = composition.form, composition.units, composition.process
    name = form.name
    raw = raw_expression(form, units)
    low, high = (process.low, process.high) if process else (-np.inf, np.inf)
    bounded = np.isfinite([low, high]).any()
    constraint = ("relu" if bounded else "identity", low, high, 1.0)
    rows = composition.rows
    listed = raw_constants([form], units)
    errors = [one.error for one in composition.constants]
    constants = composition.constants_of_process
    targets, traced = _traced(process, name)
    forcings = list(process.forcings) if process else []
    edges = EdgeTable([form], None, units, rows.scaled, {}).frame()
    model = SymbolicModel(
        equations={name: constrained(raw, *constraint)},
        unconstrained={name: raw},
        process=traced,
        process_latex=None,
        constants={n: one.value for n, one in constants.items()},
        errors={n: one.error for n, one in constants.items()},
        functions={},
        structures=(form,),
        units=units,
        edges=edges,
        table=pd.DataFrame(constant_rows(listed, errors, {})),
        forcing_columns={n: n for n in forcings},
        target_columns={n: n for n in targets},
        unit_of={},
        constraints={name: constraint},
        record=FitRecord(
            layers=2 if form.nodes else 1,
            constants=ConstantsRecord(METHOD),
            composition=ComposedLatent(
                composition.accepted, composition.reason, composition.noise
            ),
        ),
    )
    columns = dict(zip(units.names, rows.raw.T, strict=True))
    return replace(model, digits=model.digits_needed(columns))


def _traced(
    process: "Process | None", name: str
) -> tuple[list[str], dict[str, Any] | None]:
    """Names of the targets and their expressions, None where they cannot be traced."""
    if process is None:  # plain regression: the target is the latent
        return [name], {name: sympy.Symbol(name, real=True)}
    target = process.target
    traced = trace(_Decoder(process, name), {n: n for n in process.forcings})
    return [target], traced


class _Decoder:
    """A process of one latent, seen as tracing sees a process model."""

    def __init__(self, process: "Process", latent: str) -> None:
        self.process = process
        self.latent_names = (latent,)
        self.constant_names = tuple(process.ranges)
        self.forcings = tuple(process.forcings)
        self.targets = (process.target,)

    def __call__(self, p: Any, f: Any) -> Any:
        constants = {name: getattr(p, name) for name in self.constant_names}
        return self.process.function(
            getattr(p, self.latent_names[0]), vars(f), constants
        )
