"""What commands do with a configuration: may its code be run, and who is named when it fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sciren.errors import ConfigError, ExpressionError, ParameterError

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

    # Who types the name of the file on the command line has chosen it.
    keys = {change.partition("=")[0].strip() for change in changes or ()}
    named = named or bool(keys & {"decoder", "decoder.name"})
    name = settings.decoder.name if settings.decoder else None
    check_code_place(name, config, named, allow)


@contextmanager
def naming(config: Path, settings: "RunConfig") -> Iterator[None]:
    """Put the file of the settings in front of what is said about them.

    Args:
        config: the file;  settings: as read. Messages that name a path already stay.
    """
    paths = (config.name, str(settings.out), str(settings.data.path))
    try:
        yield
    except (ConfigError, ExpressionError, ParameterError) as error:
        if any(path in str(error) for path in paths):
            raise
        # Below, settings have no file; here its name is known.
        text = str(error).removeprefix("settings: ")
        raise type(error)(f"{config}: {text}") from error
