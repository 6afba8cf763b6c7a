"""Built-in process models by name."""

from collections.abc import Callable
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.clm5 import CLM5SoilCarbon
from sciren.decoders.q10 import Q10Respiration
from sciren.errors import DecoderError, closest_names

BUILT_IN: dict[str, Callable[..., Decoder]] = {
    "clm5": CLM5SoilCarbon,
    "q10": Q10Respiration,
}


def decoder_named(name: str, **settings: Any) -> Decoder:
    """Return a built-in decoder with these settings.

    Raises:
        DecoderError: none has that name.
    """
    if name not in BUILT_IN:
        raise DecoderError(
            f"no built-in decoder is called {name!r}. {closest_names(name, BUILT_IN)} "
            "For your own write my_process.py:function_name"
        )
    return BUILT_IN[name](**settings)
