"""Read a finished run back; nothing that lies in its folder is ever executed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from discovery.config.file import load_config
from discovery.config.settings import RunConfig
from discovery.results.identification import Identification
from discovery.results.record import DiscoveryRecord
from discovery.runs.files import read_json, read_record
from discovery.runs.folder import open_edited
from discovery.runs.formulas import with_formulas
from discovery.tables.records import PARTS
from discovery.verdict.record import Verdict, not_judged
from sciren.bounded import damage_told
from sciren.errors import DataError, DecoderError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.dynamics.equations import SeriesEquations
    from discovery.uncertainty.record import Uncertainty
    from sciren.decoders import Decoder
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel


Built = TypeVar("Built")
Record = TypeVar("Record", bound=DiscoveryRecord)

REPLICATES, VERDICT = "replicates.csv", "verdict.json"
UNCERTAINTY, BANDS = "uncertainty.json", "bands.csv"
METRICS = "metrics.json"
UNLIKE, REMEDY = "is not as `sciren discover` writes it", "run it again"


@overload
def load_discovery(folder: Path) -> DiscoveryRecord: ...
@overload
def load_discovery(folder: Path, kind: type[Record]) -> Record: ...
def load_discovery(folder: Path, kind: type[Any] = DiscoveryRecord) -> Any:
    """Read what a run has found; the network stays on disk until it is asked for.

    Args:
        folder: of the run.
        kind: class of the result.
    Raises:
        DataError: no such run, or one of its files cannot be read.
    """
    # Opening refuses altered runs; where edits are accepted their note comes first.
    run, edited = open_edited(folder)
    metrics = read_record(run / METRICS)
    equations, series = stored_equations(run)
    with damage_told(DataError, f"{run / METRICS}: {UNLIKE}", REMEDY):
        return kind(
            None,
            equations,
            constants_of(metrics),
            tuple(
                Identification.from_json(entry) for entry in metrics["identification"]
            ),
            {part: metrics[part] for part in PARTS if part in metrics},
            metrics["latents"],
            read_table(run / "importance.csv"),
            read_table(run / "candidates.csv"),
            read_table(run / "profiles.csv"),
            read_table(run / "history.csv"),
            (*((edited,) if edited else ()), *metrics["notes"]),
            tuple(metrics["training_notes"]),
            read_table(run / REPLICATES) if (run / REPLICATES).is_file() else None,
            run,
            stored_verdict(run),
            uncertainty=stored_uncertainty(run),
            given_bands=read_table(run / BANDS) if (run / BANDS).is_file() else None,
            series=series,
            group_scores=_rows(metrics.get("groups")),
            noise=metrics.get("noise"),
        )


def stored_verdict(run: Path) -> Verdict:
    """Return the verdict of a run; one of an earlier version has none."""
    file = run / VERDICT
    if not file.is_file():
        return not_judged(
            "The run was made before verdicts were", f"Run `sciren verify {run}`"
        )
    return _read_as(file, Verdict.from_json)


def stored_uncertainty(run: Path) -> "Uncertainty | None":
    """Return the uncertainty of a run, None where it has none."""
    from discovery.uncertainty.record import Uncertainty

    file = run / UNCERTAINTY
    return _read_as(file, Uncertainty.from_json) if file.is_file() else None


def _read_as(file: Path, build: Callable[[Any], Built]) -> Built:
    """Build an object from a JSON file of a run.

    Raises:
        DataError: the file does not hold what the object is built from.
    """
    with damage_told(DataError, f"{file}: {UNLIKE}", REMEDY):
        return build(read_json(file))


def constants_of(metrics: dict[str, Any]) -> "pd.DataFrame":
    """Return the table of constants in ``metrics.json``."""
    import pandas as pd

    frame = pd.DataFrame(metrics["constants"])
    numbers = ("estimate", "error", "low", "high")
    # null (no number) makes a column of objects; as float it is nan.
    return frame.astype({name: float for name in numbers if name in frame.columns})


def stored_equations(
    run: Path,
) -> "tuple[SymbolicModel | None, SeriesEquations | None]":
    """Return the equations of a run, and the recurrence around them, where it has them."""
    from symbolic import SymbolicModel
    from symbolic.model.storage import SERIES_FORMAT

    file = run / "equations.json"
    if not file.is_file():
        return None, None
    stored = read_json(file)
    # One file name for both kinds of equations; the format inside says which.
    if isinstance(stored, dict) and stored.get("format") == SERIES_FORMAT:
        from discovery.dynamics.equations import SeriesEquations

        series = SeriesEquations.load(file)
        return series.relations, series
    return SymbolicModel.load(file), None


def _rows(rows: Any) -> "pd.DataFrame | None":
    import pandas as pd

    return None if rows is None else pd.DataFrame(rows)


def read_table(path: Path) -> "pd.DataFrame":
    """Read a table of a run; an empty file is an empty table."""
    import pandas as pd

    from discovery.tables.text_tables.reader import exact_numbers

    try:
        return with_formulas(pd.read_csv(path, **exact_numbers()))
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as a table: {problem}") from error


def stored_config(run: Path) -> RunConfig:
    """Return the settings of a run."""
    return load_config(run / "config.yaml")


def stored_model(run: Path, decoder: "Decoder | None" = None) -> "ScIReN":
    """Return the trained network of a run.

    Args:
        run: its folder.
        decoder: process model; default: what the settings name.
    Raises:
        DecoderError: the settings name a file that may not be run.
        FormatError: the model cannot be read.
    """
    from sciren.checkpoint import load_model

    return load_model(run, stored_decoder(run) if decoder is None else decoder)


def network_of(
    discovery: DiscoveryRecord, decoder: "Decoder | None" = None
) -> "ScIReN":
    """Return the trained network of a discovery, read from its run where needed.

    Args:
        discovery: keeps the network, so that it is read once.
        decoder: process model, where it is not to be loaded from its file.
    """
    if discovery.model is None:
        assert discovery.folder is not None  # loaded without a model: from a folder
        if decoder is None and discovery.series is not None:
            decoder = _trained_decoder(discovery.folder, discovery.series)
        discovery.model = stored_model(discovery.folder, decoder)
    return discovery.model


def _trained_decoder(run: Path, equations: "SeriesEquations") -> "Decoder":
    """Return the process behind the network of a run on series, its formulas in it."""
    from discovery.dynamics.functions.stored import closed_decoder
    from sciren.decoders.dynamic import DynamicModel

    decoder, law = stored_decoder(run), equations.law
    if isinstance(decoder, DynamicModel) and law.functions:
        return closed_decoder(decoder, equations, law.forcings)
    return decoder


def stored_decoder(run: Path) -> "Decoder":
    """Return the process model that the settings of a run name.

    A file of the user's own is run, as at the discovery; never one that lies inside the
    run folder, or whose place the settings do not give in full, because a run may come
    from somebody else.

    Raises:
        DecoderError: the file may not be run, or does not exist.
    """
    from discovery.config.yaml_file import read_yaml_mapping
    from discovery.tables.prepare import decoder_of

    config = stored_config(run)
    # As it is written in the file: the loaded settings have resolved paths already.
    written = read_yaml_mapping(run / "config.yaml").get("decoder")
    name = written["name"] if isinstance(written, dict) else written
    file, colon, _ = str(name or "").rpartition(":")
    if colon and not Path(file).is_absolute():
        raise DecoderError(
            f"{run / 'config.yaml'}: the process model {file!r} is no full path, so it "
            "is not run; write the full path of your own file there, or use the "
            "equations"
        )
    # resolve() follows links, so that a link inside the run does not lead around this.
    if colon and Path(file).resolve().is_relative_to(run.resolve()):
        raise DecoderError(
            f"{file}: lies inside the run folder, and code that comes with a run is "
            "never run; move it elsewhere and name it in config.yaml, or use the "
            "equations"
        )
    return decoder_of(config)
