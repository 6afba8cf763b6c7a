"""A process model from a plain function, with its declarations."""

import functools
import importlib
import importlib.util
import inspect
import operator
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from sciren.decoders.base import Decoder
from sciren.decoders.operand import operands, plain, uses_numpy
from sciren.errors import DecoderError


class FunctionDecoder(Decoder):
    """A plain function ``(p, f) -> targets`` with its declarations.

    Raises:
        DecoderError: the function does not take the arguments in `takes`.
    """

    takes: ClassVar[Mapping[str, str]] = {"p": "parameters", "f": "forcings"}

    def __init__(
        self,
        function: Callable[..., Any],
        *args: Any,
        latex: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.latex = latex
        # Arguments with a default are settings of the function, not namespaces.
        required = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is inspect.Parameter.empty
            and parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        if len(required) != len(self.takes):
            words = [f"{what} {letter}" for letter, what in self.takes.items()]
            count = {2: "two", 3: "three"}[len(words)]
            raise DecoderError(
                f"process model {self.name!r} must take {count} arguments, "
                f"{', '.join(words[:-1])} and {words[-1]}; it takes "
                f"{[p.name for p in required]}"
            )
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, p: Any, f: Any) -> Any:
        """Return what the function returns; functions of numpy take tensors and symbols."""
        return self.called(p, f)

    def called(self, *namespaces: Any) -> Any:
        """Return what the function returns for namespaces of values, as in `takes`."""
        # A copy of the namespace costs time in every step: only where something is
        # fixed.
        if self._has_fixed:
            given = dict(zip(self.takes, namespaces, strict=True))
            given["p"] = self.with_fixed(given["p"])
            namespaces = tuple(given.values())
        return self.applied(*namespaces)

    def applied(self, *namespaces: Any) -> Any:
        """Call the function with a namespace p that holds all parameters, fixed ones too."""
        # Operands slow every operation down: only for functions that name numpy or
        # scipy.
        if not self._uses_numpy:
            return self.function(*namespaces)
        return plain(self.function(*map(operands, namespaces)))

    @functools.cached_property
    def _has_fixed(self) -> bool:
        return bool(self.parameters.fixed)

    @functools.cached_property
    def _uses_numpy(self) -> bool:
        return uses_numpy(self.function)

    def equation_latex(self) -> str | None:
        """LaTeX of the equation where symbols cannot be traced through the function."""
        return self.latex

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # declarations do not change

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, as Python does with functions.

        Raises:
            DecoderError: the model is not found under its name.
        """
        # The decorator has put this object where the function was, so that it is under
        # the function's name that another process finds it.
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
        if module in _SCRIPTS:
            return _from_script, (str(_script(module, self.name)), name)
        return _imported, (module, name)


_SCRIPTS = ("__main__", "__mp_main__")
"""Names under which a script runs, and is run again in the processes that it starts; the
second is that of `multiprocessing`, whose ``spawn`` does the same."""


def _script(module: str, model: str) -> Path:
    """Return the file of the script that defines a process model.

    Raises:
        DecoderError: it has no file, or cannot be run again without doing its work.
    """
    file = getattr(sys.modules[module], "__file__", None)
    if file is None or not Path(file).is_file():
        raise DecoderError(
            f"process model {model!r} cannot be pickled, because it stands in no file; "
            "move it to a module and import it from there"
        )
    # A script without the guard would start its whole work again in every worker.
    if "__name__" not in Path(file).read_text(encoding="utf-8"):
        raise DecoderError(
            f"{file}: process model {model!r} goes to another process, which would run "
            "the whole script; move it to a module and import it from there, or put the "
            'work of the script under if __name__ == "__main__":'
        )
    return Path(file).resolve()


def _from_script(file: str, name: str) -> Any:
    """Return the process model of a script; a process that does not run it reads it."""
    for module in _SCRIPTS:
        known = getattr(sys.modules.get(module), "__file__", None)
        if known is not None and Path(known).resolve() == Path(file):
            return operator.attrgetter(name)(sys.modules[module])
    spec = importlib.util.spec_from_file_location(_SCRIPTS[1], file)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    # Registered before it runs, so that classes that it defines are found by pickle.
    sys.modules[_SCRIPTS[1]] = script
    spec.loader.exec_module(script)
    return operator.attrgetter(name)(script)


def _imported(module: str, name: str) -> Any:
    return operator.attrgetter(name)(importlib.import_module(module))
