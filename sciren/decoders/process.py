"""Process models from plain functions, and the identity for plain regression."""

import functools
import importlib
import inspect
import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.operand import operands, plain, uses_numpy
from sciren.errors import DecoderError
from sciren.parameters import Parameter


class FunctionDecoder(Decoder):
    """A plain function ``(p, f) -> targets`` with its declarations.

    Raises:
        DecoderError: the function does not take the two arguments p and f.
    """

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        required = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is inspect.Parameter.empty
            and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        if len(required) != 2:
            raise DecoderError(
                f"process model {self.name!r} must take two arguments, parameters p "
                f"and forcings f; it takes {[p.name for p in required]}"
            )
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, p: Any, f: Any) -> Any:
        """Return what the function returns; functions of numpy take tensors and symbols."""
        if not self._uses_numpy:
            return self.function(p, f)
        return plain(self.function(operands(p), operands(f)))

    @functools.cached_property
    def _uses_numpy(self) -> bool:
        return uses_numpy(self.function)

    def __deepcopy__(self, memo: dict[int, Any]) -> "FunctionDecoder":
        return self  # declarations do not change

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, as Python does with functions.

        Raises:
            DecoderError: the model is not found under its name.
        """
        module, name = self.function.__module__, self.function.__qualname__
        try:
            known = operator.attrgetter(name)(sys.modules[module])
        except (KeyError, AttributeError):
            known = None
        if known is not self:
            raise DecoderError(
                f"process model {self.name!r} cannot be pickled, because {module}.{name} "
                "is not this process model; define it at the top level of a module with "
                "@process_model, or store the trained model with save_model and give the "
                "process model to load_model"
            )
        return _imported, (module, name)


def _imported(module: str, name: str) -> Any:
    return operator.attrgetter(name)(importlib.import_module(module))


def process_model(
    parameters: Sequence[Parameter],
    forcings: Sequence[str] = (),
    targets: Sequence[str] = ("y",),
    target_units: Mapping[str, str] | None = None,
    name: str | None = None,
    rowwise: bool = True,
) -> Callable[[Callable[..., Any]], Decoder]:
    """Turn a plain function ``(p, f)`` into a decoder (decorator).

    ```python
    @process_model(
        parameters=[Parameter("rate", low=0), Parameter("k", low=0, kind="constant")],
        forcings=["light"], targets=["uptake"],
    )
    def saturating(p, f):
        return p.rate * f.light / (p.k + f.light)
    ```

    Write it with plain arithmetic and `sciren.functions` (exp, log, ...), so that the
    same lines also print as an equation; functions of numpy and scipy with the same
    meaning (np.exp, np.where, scipy.special.expit) do as well.

    Args: see `Decoder`; name defaults to the function's.
    """

    def decorate(function: Callable[..., Any]) -> Decoder:
        return FunctionDecoder(
            function,
            name or function.__name__,
            parameters,
            forcings,
            targets,
            target_units,
            rowwise,
        )

    return decorate


class IdentityDecoder(Decoder):
    """Plain regression: every target is a latent of its own, without bounds.

    A latent is called as its target, with underscores for what no identifier may hold.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        names = _identifiers(targets)
        super().__init__("identity", [Parameter(name) for name in names], (), targets)

    def __call__(self, p: Any, f: Any) -> Any:
        """Return the latents."""
        pairs = zip(self.targets, self.latent_names, strict=True)
        return {target: getattr(p, name) for target, name in pairs}


def _identifiers(targets: Sequence[str]) -> list[str]:
    """Turn column names into different identifiers: "NEE (µmol)" -> NEE_µmol."""
    names: list[str] = []
    for target in targets:
        name = re.sub(r"\W+", "_", target).strip("_") or "y"
        name = name if name.isidentifier() and not iskeyword(name) else f"y_{name}"
        while name in names:
            name += "_"
        names.append(target if target.isidentifier() else name)
    return names
