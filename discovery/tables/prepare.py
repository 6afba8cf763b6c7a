"""From a configuration to the process model and the three tables of a study."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.config.process import load_decoder
from discovery.config.settings import (
    BlockSplit,
    RunConfig,
)
from discovery.tables.assembling import (
    in_wanted_units,
    kept_rows,
    roles,
    table_arguments,
)
from discovery.tables.head import require
from discovery.tables.magnitudes import Magnitudes, in_unit, magnitudes_of
from discovery.tables.origin import Origin, read_origin, soil_carbon_study
from discovery.tables.plausible import check_plausible
from discovery.tables.sampled.blocks import check_sampled, study_blocks
from discovery.tables.series import (
    refuse_for_series,
    series_study,
)
from discovery.tables.splitting import split_rows
from discovery.tables.study import SeriesStudy, Study
from sciren.errors import (
    ColumnError,
    ConfigError,
    DataError,
    ExpressionError,
    SciRenError,
    closest_names,
)

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.decoders import Decoder


def _silent(message: str) -> None:
    """Say nothing."""


def prepare(
    config: RunConfig, say: Callable[[str], None] = _silent
) -> Study | SeriesStudy:
    """Load the process model and the data, and split the rows or series.

    Args:
        config: the settings.
        say: hears how many rows were read, kept and left out.
    Raises:
        ConfigError: settings that do not fit the process model.
        DecoderError: the process model cannot be loaded, or fails on a few rows.
        DataError: file, columns or rows cannot be used; the message names the file.
    """
    from sciren.decoders.dynamic import DynamicModel

    # 1. Process model. 2. Names of its columns, before any file is opened. 3. Read and
    # convert. 4. Filter rows. 5. Rows or series of them, split.
    decoder = decoder_of(config)
    check_sampled(config, decoder)
    if isinstance(decoder, DynamicModel):
        refuse_for_series(config, decoder)
    elif not config.features:
        raise ConfigError(
            "key 'features': names no column; name those that the hidden parameters may "
            "depend on"
        )
    forcings, targets = _mapped(config, decoder)
    _check_names(config.features, forcings)
    columns, labels = roles(config, forcings, targets)
    origin = read_origin(config.data, columns, labels, config.split.seed)
    for note in origin.frame.attrs.get("notes", ()):
        say(note)
    drawn = f" of {origin.sample.total:,}, drawn" if origin.sample else ""
    say(f"read {len(origin.frame):,} rows{drawn} from {origin.source}")
    origin = in_wanted_units(config, origin)
    frame, kept = kept_rows(config, origin, say)
    try:
        shared = {
            "config": config, "source": origin.source, "fingerprint": origin.fingerprint,
            "read": len(origin.frame), "kept": len(kept), "formulas": origin.truth,
            "labels": _labels(config, origin.frame),
        }  # fmt: skip
        for name in config.units:
            require(frame, name, f"units.{name}")
        if isinstance(decoder, DynamicModel):
            # The errors of both kinds of study get the name of the file in front,
            # below.
            return series_study(decoder, frame, kept, forcings, targets, shared)
        return _row_study(decoder, frame, kept, forcings, targets, shared, origin, say)
    except ColumnError as error:
        raise ColumnError(f"{origin.source}: {error}") from error
    except DataError as error:
        raise DataError(f"{origin.source}: {error}") from error


def prepare_rows(
    config: RunConfig, work: str, say: Callable[[str], None] = _silent
) -> Study:
    """Prepare a study for work that series have no part in.

    Args:
        config, say: as in `prepare`.
        work: what cannot be done with series, for the message.
    Raises:
        ConfigError: the process model has states, or see `prepare`.
    """
    study = prepare(config, say)
    if isinstance(study, SeriesStudy):
        raise ConfigError(
            f"process model {study.decoder.name!r} has states, and {work} takes rows only; "
            "sciren discover works on its series"
        )
    return study


def _row_study(
    decoder: "Decoder",
    frame: "pd.DataFrame",
    kept: np.ndarray,
    forcings: Mapping[str, str],
    targets: Mapping[str, str],
    shared: dict[str, Any],
    origin: Origin,
    say: Callable[[str], None],
) -> Study:
    from sciren.data import Table
    from sciren.decoders.dry_run import check_process_model

    config = shared["config"]
    # Units first: whatever follows squares the numbers.
    magnitudes = magnitudes_of(config, frame, decoder, forcings, targets)
    frame = magnitudes.divide(frame)
    decoder = _in_unit_of(decoder, magnitudes)
    arguments = table_arguments(config, frame, forcings, targets, magnitudes)
    table = Table.from_frame(frame, **arguments)
    split, meant = split_rows(config, frame, table), config.data.not_missing
    check_plausible(table, split, decoder, frame.index, magnitudes, meant)
    study = Study(
        decoder=decoder,
        # row_ids have counted the kept rows so far; from here they count those of the
        # file, as labels, truth and coordinates do.
        table=_original_rows(table, kept),
        split=type(split)(*(_original_rows(part, kept) for part in split)),
        truth=_truth(config, origin.frame, decoder, magnitudes),
        coordinates=_coordinates(config, origin.frame),
        magnitudes=magnitudes,
        blocks=study_blocks(config, origin.sample, frame, table, split, magnitudes),
        **shared,
    )
    # The user's own process model on a few rows now, not after an hour of training.
    check_process_model(decoder, table.forcings)
    for reason, count in table.dropped.items():
        say(f"left out {count:,} rows: {reason}")
    return study


def labelled_frame(config: RunConfig, column: str) -> "pd.DataFrame":
    """Return the rows that the filters of a configuration keep, a column read as text.

    Raises:
        ColumnError: there is no such column.
        DataError: the file cannot be used.
    """
    decoder = decoder_of(config)
    forcings, targets = _mapped(config, decoder)
    columns, labels = roles(config, forcings, targets)
    wanted, texts = [*columns, column], [*labels, column]
    origin = read_origin(config.data, wanted, texts, config.split.seed)
    try:
        require(origin.frame, column, "over")
    except ColumnError as error:
        raise ColumnError(f"{origin.source}: {error}") from error
    return kept_rows(config, origin, _silent)[0]


def decoder_of(config: RunConfig) -> "Decoder":
    """Return the process model of a configuration, the identity for none.

    The soil carbon model of the simulated profiles knows the forcing of their sites.
    """
    from sciren.decoders import IdentityDecoder

    chosen, dataset = config.decoder, config.data.dataset
    if dataset is not None and dataset.name == "soil-carbon" and chosen is not None:
        sites = soil_carbon_study(config.data.source, dataset.settings).decoder()
        # With settings of their own the user wants another model of the same name.
        if chosen.name == sites.name and not chosen.settings:
            return sites
    decoder = load_decoder(chosen.name, chosen.settings) if chosen else None
    if decoder is None:
        return _redeclared(config, IdentityDecoder(list(config.targets)))
    return _redeclared(config, decoder)


def _redeclared(config: RunConfig, decoder: "Decoder") -> "Decoder":
    """Declare parameters as the configuration says, and outputs that have a column."""
    from sciren.decoders import redeclare

    # Outputs without a column are not compared; the process model drops them.
    observed = [name for name in decoder.targets if name in config.targets]
    try:
        return redeclare(decoder, config.parameters, observed or None)
    except SciRenError as error:
        raise ConfigError(f"key 'parameters': {error}") from error


def _mapped(
    config: RunConfig, decoder: "Decoder"
) -> tuple[dict[str, str], dict[str, str]]:
    """Return forcings and targets, decoder's name -> column, in the decoder's order."""
    mapped = []
    for part, names in (("forcings", decoder.forcings), ("targets", decoder.targets)):
        given: Mapping[str, str] = getattr(config, part)
        unknown = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if unknown:
            raise ConfigError(
                f"key '{part}.{unknown[0]}': process model {decoder.name!r} knows no "
                f"{part[:-1]} of that name. {closest_names(unknown[0], names)}"
            )
        if missing:
            raise ConfigError(
                f"key {part!r}: process model {decoder.name!r} needs {missing[0]!r}, "
                f"which is not mapped; write {part}: {{{missing[0]}: its column}}"
            )
        # The decoder's order, since arrays of targets and forcings go by position.
        mapped.append({name: given[name] for name in names})
    return mapped[0], mapped[1]


def _check_names(features: Sequence[str], forcings: Mapping[str, str]) -> None:
    """Refuse names that no equation can hold before anything is trained."""
    from symbolic.expression.tree import check_name

    for key, names in (("features", features), ("forcings", forcings.values())):
        for name in names:
            try:
                check_name(name)
            except ExpressionError as error:
                raise ConfigError(f"key {key!r}: {error}; rename the column") from error


def _in_unit_of(decoder: "Decoder", magnitudes: Magnitudes) -> "Decoder":
    """Declare the latents in the unit that the targets were divided by."""
    from sciren.decoders import IdentityDecoder, redeclare

    if magnitudes.latents == 1 or isinstance(decoder, IdentityDecoder):
        return decoder
    units = {
        p.name: {"unit": in_unit(magnitudes.latents, p.unit)}
        for p in decoder.parameters.latents
    }
    return redeclare(decoder, units, None)


def _truth(
    config: RunConfig,
    frame: "pd.DataFrame",
    decoder: "Decoder",
    magnitudes: Magnitudes,
) -> dict[str, np.ndarray]:
    """Return the true values of latents in every row of the file."""
    from sciren.data.frames import numeric_column

    for name, column in config.truth.items():
        if name not in decoder.latent_names:
            raise ConfigError(
                f"key 'truth.{name}': process model {decoder.name!r} has no latent of "
                f"that name. {closest_names(name, decoder.latent_names)}"
            )
        require(frame, column, f"truth.{name}")
    return {
        name: numeric_column(frame, column) / magnitudes.latents
        for name, column in config.truth.items()
    }


def _labels(config: RunConfig, frame: "pd.DataFrame") -> np.ndarray | None:
    """Return the name of the group in every row of the file, as pictures show it."""
    from sciren.data.labels import id_text

    column = config.data.groups
    if column is None:
        return None
    require(frame, column, "data.groups")
    return id_text(frame[column]).to_numpy()


def _coordinates(config: RunConfig, frame: "pd.DataFrame") -> dict[str, np.ndarray]:
    """Return longitude and latitude of every row where the split goes by them."""
    from sciren.data.frames import numeric_column

    how = config.split
    if not isinstance(how, BlockSplit):
        return {}
    return {axis: numeric_column(frame, getattr(how, axis)) for axis in ("lon", "lat")}


def _original_rows(table: "Table", kept: np.ndarray) -> "Table":
    return replace(table, row_ids=kept[table.row_ids])
