"""Which derivatives of a dynamic model are not linear in its states, found with symbols."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Protocol


class Declared(Protocol):
    """What is needed of a dynamic model."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states."""
        ...

    @property
    def forcings(self) -> tuple[str, ...]:
        """Names of the forcings."""
        ...

    @property
    def parameters(self) -> Any:
        """Declared parameters."""
        ...

    def called(self, *namespaces: Any) -> Any:
        """Return the derivatives, or them and the outputs."""
        ...


def nonlinear_states(model: Declared) -> tuple[str, ...]:
    """Return the states whose derivatives are no sum of states times what is fixed.

    Slopes by states may hold parameters and forcings, which are constant over an
    interval, but no state; that rules out thresholds of states too. A function that
    symbols cannot pass counts as nonlinear.
    """
    import sympy

    def symbols(names: Any) -> dict[str, Any]:
        return {name: sympy.Symbol(name, real=True) for name in names}

    # Latents of a state are functions of it, whatever they are called.
    if any(p.state_input is not None for p in model.parameters):
        return tuple(model.state_names)
    s, p, f = map(
        symbols, (model.state_names, (q.name for q in model.parameters), model.forcings)
    )
    try:
        result = model.called(*(SimpleNamespace(**part) for part in (s, p, f)))
        rates = result if isinstance(result, Mapping) else result[0]
        own = set(s.values())
        return tuple(
            name
            for name in model.state_names
            if any(
                # Linear in the states means: no derivative by a state holds a state.
                sympy.sympify(rates[name], strict=True).diff(x).free_symbols & own
                for x in own
            )
        )
    except Exception:  # whatever a user's function does with symbols
        return tuple(model.state_names)
