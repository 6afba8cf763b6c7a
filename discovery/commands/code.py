"""Whether a command may run the process model that its configuration names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from discovery.config.settings import RunConfig


def check_code(
    settings: "RunConfig",
    config: Path,
    changes: Sequence[str] | None,
    named: bool,
    allow: bool,
) -> None:
    """Refuse code outside the folder of a configuration that nobody named.

    Args:
        settings: as read;  config: the file that they come from.
        changes: values of ``--set``;  named: whether ``--decoder`` was given.
        allow: whether ``--allow-code`` was given.
    Raises:
        DecoderError: the process model lies elsewhere.
    """
    from discovery.config.process import check_code_place

    keys = {change.partition("=")[0].strip() for change in changes or ()}
    named = named or bool(keys & {"decoder", "decoder.name"})
    name = settings.decoder.name if settings.decoder else None
    check_code_place(name, config, named, allow)
