"""From the words of a command line to a run: a configuration, or a table and its roles."""

from collections.abc import Callable, Sequence
from pathlib import Path

from discovery.config.file import load_config
from discovery.config.quick import (
    QuickWords,
    check_place,
    quick_config,
    quick_settings,
    with_target_names,
    write_quick,
)
from discovery.config.settings import RunConfig
from discovery.tables.head import check_head
from discovery.tables.kinds import ENDINGS
from sciren.errors import ConfigError


def configured(
    source: Path,
    words: QuickWords,
    changes: Sequence[str] = (),
    write: Path | None = None,
) -> tuple[RunConfig, Callable[[RunConfig], object]]:
    """Return the settings of a run, and what writes them down once they are checked.

    Args:
        source: a configuration, or a table of observations.
        words: roles of the table's columns; none with a configuration.
        changes: ``"key=value"``, as with ``--set``.
        write: where the configuration of a table goes, whose name is that of the run, too;
            default the name of the table in the current folder.
    Raises:
        SciRenError: something is missing, contradicts itself, or is not there.
    """
    if not source.name.lower().endswith(ENDINGS):
        if words or write is not None:
            raise ConfigError(
                f"{source}: roles of columns and --write belong to a table; a "
                f"configuration holds them itself. The endings of tables are "
                f"{', '.join(ENDINGS)}"
            )
        return load_config(source, changes), lambda config: None
    # Who asks two questions of one table names two configurations, and gets two runs.
    place = write or Path(f"{source.name.split('.')[0]}.yaml")
    settings = quick_settings(source, words, changes, place.stem)
    # Wrong columns are told before a configuration is written that names them.
    check_head(quick_config(settings, source))
    settings = with_target_names(settings)
    check_place(place, settings)
    return quick_config(settings, source), lambda config: write_quick(place, settings)
