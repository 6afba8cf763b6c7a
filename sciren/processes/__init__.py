"""The shelf: classic process models, each with parameters, units, bounds and traps.

Every process model that a file of this folder defines is on the shelf under its own name:
as `sciren.processes.lloyd_taylor`, as ``decoder: lloyd_taylor`` in a configuration, and in
the list of `sciren processes`. Importing the shelf loads no torch.
"""

from importlib import import_module
from pkgutil import iter_modules

from sciren.decoders.base import Decoder

SHELF: dict[str, Decoder] = {}
"""Name -> process model, family by family."""

for _family in sorted(module.name for module in iter_modules(__path__)):
    for _name, _model in vars(import_module(f"{__name__}.{_family}")).items():
        # Under its own name only: models that a file imports from another are not its
        # own.
        if isinstance(_model, Decoder) and _model.name == _name:
            SHELF[_name] = _model


def __getattr__(name: str) -> Decoder:
    if name in SHELF:
        return SHELF[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["SHELF", *SHELF]
