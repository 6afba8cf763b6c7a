"""Methods that look for the formula of a case, under one interface and one budget.

    ours       symbolic.compose, which may refuse
    operon     pyoperon on the data; behind a process on the latents of a black box that
               was trained through it
    pykan      train, prune, auto_symbolic, refit (pykan 0.2.8), through the process
               where there is one

The peers get the same five families. They have no word for "not found": whatever they
return counts as reported.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy

from benchmarks.cases import Case
from sciren.errors import ConfigError
from sciren.inference.intervals.quantiles import NORMAL_95

OPERON_SYMBOLS = "add,sub,mul,constant,variable,exp,log,abs,square"
SLICE_SECONDS = 2  # wall seconds of one call of Operon, the smallest budget is one call
OPERON_SHARE = 0.6  # of the budget that Operon gets behind a black box


@dataclass(frozen=True)
class Found:
    """What a method returns for a case.

    Attributes:
        expression: formula of the latent in the features, None when there is none.
        accepted: whether the method stands by it;  reason: why not.
        constants: process constants.
        seconds: CPU seconds.
        equals: other formulas that the method names beside it.
        several: how many forms and curves it names together, 0 where it names one or none.
        intervals: process constant -> its 95 % interval, where the method has one.
        pulls: constant of process or formula -> (estimate - truth) / standard error, where
            the method has errors and the form holds the truth (`benchmarks.cases.coverage`).
    """

    expression: sympy.Expr | None
    accepted: bool
    reason: str = ""
    constants: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    equals: tuple[sympy.Expr, ...] = ()
    several: int = 0
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pulls: Mapping[str, float] = field(default_factory=dict)

    @property
    def claims(self) -> bool:
        """Whether the method stands by a relation, alone or as one of several."""
        formula = self.expression
        alone = self.accepted and formula is not None and bool(formula.free_symbols)
        return alone or self.several > 0


Method = Callable[[Case, float], Found]


def timed(method: Method, case: Case, budget: float) -> Found:
    """Run a method and measure its CPU seconds; what it raises is a refusal.

    Raises:
        ConfigError: the method's package is not installed.
    """
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = method(case, budget)
    except ConfigError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        found = Found(None, False, text)
    return replace(found, seconds=time.process_time() - start)


# -- ours ---------------------------------------------------------------------------
def ours(case: Case, budget: float) -> Found:
    """Compose a formula from the data, through the process where there is one."""
    from benchmarks.cases.coverage import pulls
    from symbolic import compose
    from symbolic.terms.rebuild import raw_expression

    options: dict[str, Any] = {}
    if case.process is not None:
        options = {"process": case.process, "forcings": dict(case.forcings)}
    found = compose(
        case.features, case.target, names=case.names, budget_s=budget, **options
    )
    known = {name: found.constants_of_process[name] for name in case.constants}
    beside = tuple(raw_expression(equal.form, found.units) for equal in found.equals)
    together = found.outcome == "not distinguishable"
    return Found(
        found.expression,
        found.accepted,
        str(found),
        {name: one.value for name, one in known.items()},
        equals=beside,
        several=(1 + len(beside) + len(found.rivals)) * together,
        intervals={
            name: (one.value - NORMAL_95 * one.error, one.value + NORMAL_95 * one.error)
            for name, one in known.items()
        },
        pulls=pulls(found, case),
    )


# -- Operon -------------------------------------------------------------------------
def operon(case: Case, budget: float) -> Found:
    """Genetic programming on the data, or on the latents of a black box."""
    if case.process is None:
        return Found(_operon(case, case.target, budget), True)
    from benchmarks.black_box import latents_through

    start = time.process_time()
    latents, constants = latents_through(case, (1.0 - OPERON_SHARE) * budget)
    left = budget - (time.process_time() - start)
    expression = _operon(case, latents, max(left, OPERON_SHARE * budget))
    return Found(expression, True, constants=constants)


def _operon(case: Case, target: np.ndarray, budget: float) -> sympy.Expr:
    try:
        from pyoperon.sklearn import (  # pyright: ignore[reportMissingImports]
            SymbolicRegressor,
        )
    except ImportError as error:
        raise ConfigError(
            "Operon is not installed: pip install 'sciren[bench]'"
        ) from error
    search = SymbolicRegressor(
        allowed_symbols=OPERON_SYMBOLS,
        optimizer_iterations=5,
        objectives=["r2", "length"],
        max_length=40,
        max_time=SLICE_SECONDS,
        generations=10**6,
        max_evaluations=10**9,
        random_state=0,
        n_threads=1,
        warm_start=True,
    )
    start = time.process_time()
    while time.process_time() - start < budget:
        search.fit(case.features, target)
        if np.std(target - search.predict(case.features)) < 1e-6 * np.std(target):
            break
    return _read_operon(search.get_model_string(search.model_, 17), case)


def _read_operon(text: str, case: Case) -> sympy.Expr:
    names: dict[str, Any] = {f"X{i + 1}": s for i, s in enumerate(case.symbols)}
    names |= {"abs": sympy.Abs, "square": lambda v: v**2}
    return sympy.parse_expr(text.replace("^", "**"), local_dict=names)


# -- pykan --------------------------------------------------------------------------
def pykan(case: Case, budget: float) -> Found:
    """Train, prune, auto_symbolic and refit."""
    from benchmarks.kan_peer import kan_formula

    expression, constants = kan_formula(case, budget)
    return Found(expression, True, constants=constants)


METHODS: dict[str, Method] = {"ours": ours, "operon": operon, "pykan": pykan}
