"""Built-in process models by name: classes with settings, and the shelf."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.redeclared import Change, redeclare
from sciren.errors import DecoderError, closest_names

BUILT_IN = {
    "clm5": ("sciren.decoders.clm5.decoder", "CLM5SoilCarbon"),
    "compas_a": ("sciren.decoders.compas.decoder", "CompasA"),
    "compas_b": ("sciren.decoders.compas.decoder", "CompasB"),
    "q10": ("sciren.decoders.q10", "Q10Respiration"),
}
"""Name -> module and class: who asks for one of them loads that one alone."""


def decoder_named(
    name: str,
    parameters: Mapping[str, Change] | None = None,
    targets: Sequence[str] | None = None,
    **settings: Any,
) -> Decoder:
    """Return a built-in decoder with these settings.

    Args:
        name: of `BUILT_IN`, or of the shelf `sciren.processes`.
        parameters, targets: what is declared anew, see `redeclare`.
        settings: arguments of a class of `BUILT_IN`.
    Raises:
        DecoderError: none has that name.
        TypeError: the settings do not fit.
    """
    if name in BUILT_IN:
        module, kind = BUILT_IN[name]
        built = getattr(import_module(module), kind)(**settings)
        return redeclare(built, parameters, targets)
    from sciren.processes import SHELF

    if name not in SHELF:
        names = [*BUILT_IN, *SHELF]
        raise DecoderError(
            f"no built-in decoder is called {name!r}. {closest_names(name, names)} "
            "`sciren processes` lists them; for your own write my_process.py:function_name"
        )
    if settings:
        raise TypeError(
            f"it has no settings, but {', '.join(map(repr, settings))}; change its "
            "parameters under the key 'parameters'"
        )
    return redeclare(SHELF[name], parameters, targets)


def is_built_in(decoder: Decoder) -> bool:
    """Whether `decoder_named` builds it again from its name and settings."""
    original = getattr(decoder, "original", decoder)
    if (type(original).__module__, type(original).__name__) in BUILT_IN.values():
        return True
    from sciren.processes import SHELF

    # By identity: a user's model may carry the name of a built-in one.
    return SHELF.get(original.name) is original
