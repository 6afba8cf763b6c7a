"""Built-in process models by name: classes with settings, and the shelf."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.clm5 import CLM5SoilCarbon
from sciren.decoders.compas import CompasA, CompasB
from sciren.decoders.q10 import Q10Respiration
from sciren.decoders.redeclared import Change, redeclare
from sciren.errors import DecoderError, closest_names
from sciren.processes import SHELF

BUILT_IN: dict[str, Callable[..., Decoder]] = {
    "clm5": CLM5SoilCarbon,
    "compas_a": CompasA,
    "compas_b": CompasB,
    "q10": Q10Respiration,
}


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
        return redeclare(BUILT_IN[name](**settings), parameters, targets)
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
    # By identity: a user's model may carry the name of a built-in one.
    on_shelf = SHELF.get(original.name) is original
    return on_shelf or type(original) in BUILT_IN.values()
