"""A process with memory whose latents that change in time are formulas.

Their constants are constants of the process, features that they need are forcings: all that
serves processes with latents per group and constants serves it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import sympy

from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.functions import absolute, cos, exp, log, maximum, minimum, sin, tanh, where
from sciren.parameters import Forcing, Parameter
from sciren.states import Balance
from symbolic.expression.walk import Primitives, build

DISPATCHED = Primitives(
    functions={
        "exp": exp, "log": log, "abs": absolute, "sin": sin, "cos": cos, "tanh": tanh,
    },
    power=lambda base, exponent: base**exponent,
    maximum=maximum, minimum=minimum, where=where,
    compare={
        "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
        "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
        "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    },
    both=lambda a, b: a & b, either=lambda a, b: a | b, invert=lambda a: ~a,
    number=float,
)  # fmt: skip
"""Functions of `sciren.functions`, so that a formula takes arrays, tensors and symbols."""


class ClosedModel(DynamicModel):
    """A dynamic model with formulas in place of some latents.

    Args:
        base: the process whose latents they are.
        formulas: latent -> formula of states, columns of features and constants.
        constants: of the formulas, by name.
        columns: forcing's name -> column, of the forcings of the base.
    """

    needs_latent: ClassVar[bool] = False

    def __init__(
        self,
        base: DynamicModel,
        formulas: Mapping[str, sympy.Expr],
        constants: Mapping[str, float],
        columns: Mapping[str, str],
    ) -> None:
        self.base, self.formulas = base, dict(formulas)
        self.given, self.columns = dict(constants), dict(columns)
        # Learned starts are added by the constructor again, and would be there twice.
        starts = {state.start_name for state in base.states if state.learn_start}
        kept = [p for p in base.parameters if p.name not in {*formulas, *starts}]
        own = [Parameter(n, kind="constant", start=v) for n, v in constants.items()]
        self._place = self._columns_of_symbols()
        symbols = list(self._place)
        self._evaluators = {
            name: build(formula, symbols, None, DISPATCHED)
            for name, formula in formulas.items()
        }
        super().__init__(
            self._step, base.name, [*kept, *own], base.states,
            [*base.forcing_table, *(Forcing(n) for n in self.added)],
            base.observed_states or base.targets, base.target_units,
            replace(base.memory, balance=self._balance()),
        )  # fmt: skip

    def _columns_of_symbols(self) -> dict[str, str]:
        """Return symbol of the formulas -> name in s, p or f; note added forcings."""
        by_column = {self.columns.get(n, n): n for n in self.base.forcings}
        known = {*self.base.state_names, *self.given}
        used = sorted(
            {str(s) for formula in self.formulas.values() for s in formula.free_symbols}
        )
        self.added = tuple(n for n in used if n not in known and n not in by_column)
        return {name: by_column.get(name, name) for name in used}

    def _completed(self, s: Any, p: Any, f: Any) -> SimpleNamespace:
        """Return the parameters with the latents that are formulas."""
        # Names of states, parameters and forcings differ (`DynamicModel` sees to it),
        # so one mapping holds them all.
        known = {**vars(f), **vars(p), **vars(s)}
        values = [known[name] for name in self._place.values()]
        latents = {
            name: evaluator(values) for name, evaluator in self._evaluators.items()
        }
        return SimpleNamespace(**vars(p), **latents)

    def _step(self, s: Any, p: Any, f: Any) -> Any:
        return self.base.called(s, self._completed(s, p, f), f)

    def _balance(self) -> Balance | None:
        balance = self.base.balance
        if balance is None or balance.flows is None:
            return balance
        flows = balance.flows
        return replace(
            balance, flows=lambda s, p, f: flows(s, self._completed(s, p, f), f)
        )

    def table(self, series: SeriesTable) -> SeriesTable:
        """Return series with the features of the formulas among their forcings."""
        # A formula is evaluated inside the step, where there are forcings and no
        # features.
        places = [series.feature_names.index(name) for name in self.added]
        more = {
            n: series.features[..., k] for n, k in zip(self.added, places, strict=True)
        }
        return replace(
            series,
            forcings={**series.forcings, **more},
            forcing_columns={**series.forcing_columns, **{n: n for n in self.added}},
            features=series.features[..., :0],
            feature_names=(),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the process that it is made of."""
        return ClosedModel, (self.base, self.formulas, self.given, self.columns)
