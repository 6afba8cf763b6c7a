"""Every row of a study with what was observed and what each model predicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from discovery.results.scoring import EQUATION, NETWORK, predictors

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from discovery.tables.study import Study
    from sciren.data import Table

Array = np.ndarray

COORDINATES = {"lon": ("lon", "longitude"), "lat": ("lat", "latitude")}


@dataclass(frozen=True, eq=False)
class Predictions:
    """Rows of training, validation and test, one after another.

    Attributes:
        part: (n,) "train", "valid" or "test".
        columns: feature or forcing column -> (n,) values; forcings with further
            dimensions (soil profiles) have no place in a picture and are left out.
        roles: column -> "feature", "forcing" or "feature and forcing".
        units: column or target -> unit.
        observed: target -> (n,), nan = not observed.
        predicted: model ("equation", "network") -> target -> (n,).
        blocks: (n,) unit of resampling.
        time: (n,) datetime64[ns] or None;  group: (n,) labels of sites or None.
        places: (n,) longitudes and latitudes, or nothing.
        classes: column -> number of a class -> its name, of columns that hold classes.
        clock: (n,) times of rows that hold numbers, and their unit; in place of time.
        limits: target -> low and high end (n,) of a band for new observations.
    """

    part: Array
    columns: Mapping[str, Array]
    roles: Mapping[str, str]
    units: Mapping[str, str]
    observed: Mapping[str, Array]
    predicted: Mapping[str, Mapping[str, Array]]
    blocks: Array
    time: Array | None = None
    group: Array | None = None
    places: Mapping[str, Array] = field(default_factory=dict)
    classes: Mapping[str, Mapping[float, str]] = field(default_factory=dict)
    clock: tuple[Array, str] | None = None
    limits: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The model whose residuals are shown: the equation, else the network."""
        return EQUATION if EQUATION in self.predicted else NETWORK

    def residual(self, target: str) -> Array:
        """Observed less predicted (n,), nan where not observed."""
        return self.observed[target] - self.predicted[self.best][target]


def predictions_of(
    discovery: "Discovery", study: "Study", parts: "Mapping[str, Table]"
) -> Predictions:
    """Predict every row of the parts with network and equation.

    Args:
        discovery: with its network.
        study: where labels of groups and coordinates are known by row of the file.
        parts: name -> table.
    """
    tables = list(parts.values())
    first = tables[0]
    models = predictors(discovery.network(), discovery.equations)
    names = first.target_names
    values = {
        model: np.concatenate([predict(table).numpy() for table in tables])
        for model, predict in models.items()
    }
    # Parts one after another; `part` says which row is whose.
    targets = np.concatenate([table.targets.numpy() for table in tables])
    # Everything known by row of the file (labels, coordinates) is taken at these
    # positions.
    rows = np.concatenate([table.row_ids for table in tables])
    columns, roles = _columns(tables)
    return Predictions(
        part=np.repeat(list(parts), [len(table) for table in tables]),
        columns=columns,
        roles=roles,
        units=dict(first.units)
        | {
            name: first.units[column]
            for name, column in first.target_columns.items()
            if column in first.units
        },
        observed=dict(zip(names, targets.T, strict=True)),
        predicted={m: dict(zip(names, v.T, strict=True)) for m, v in values.items()},
        blocks=_blocks(tables),
        time=_joined([table.time for table in tables]),
        group=None if study.labels is None else study.labels[rows],
        places=_places(study, columns, rows),
        classes=_classes(first),
    )


def _classes(table: "Table") -> dict[str, dict[float, str]]:
    """Names of the classes of every feature that has classes."""
    from sciren.data.kinds import Categorical

    return {
        name: dict(zip(kind.codes, kind.labels, strict=True))
        for name, kind in table.kinds.items()
        if isinstance(kind, Categorical)
    }


def _columns(tables: "list[Table]") -> tuple[dict[str, Array], dict[str, str]]:
    columns: dict[str, Array] = {}
    roles: dict[str, str] = {}
    for k, name in enumerate(tables[0].feature_names):
        columns[name] = np.concatenate(
            [table.features[:, k].numpy() for table in tables]
        )
        roles[name] = "feature"
    for name, column in tables[0].forcing_columns.items():
        # A forcing of many numbers a row, such as a profile, has no axis to be drawn
        # along.
        if tables[0].forcings[name].ndim != 1:
            continue
        roles[column] = "feature and forcing" if column in roles else "forcing"
        columns[column] = np.concatenate(
            [table.forcings[name].numpy() for table in tables]
        )
    return columns, roles


def _blocks(tables: "list[Table]") -> Array:
    """Blocks of the parts, kept apart."""
    blocks, start = [], 0
    for table in tables:
        blocks.append(table.blocks.numpy() + start)
        # Every part counts its blocks from zero; shifted, week 0 of two parts stays two
        # blocks.
        start = int(blocks[-1].max()) + 1 if len(table) else start
    return np.concatenate(blocks)


def _joined(times: "list[Array | None]") -> Array | None:
    present = [time for time in times if time is not None]
    # A part without stamps would shift those of the next part.
    return np.concatenate(present) if len(present) == len(times) else None


def _places(
    study: "Study", columns: Mapping[str, Array], rows: Array
) -> dict[str, Array]:
    """Longitude and latitude: those of the split, else columns that are called so."""
    places = {axis: values[rows] for axis, values in study.coordinates.items()}
    small = {name.lower(): values for name, values in columns.items()}
    for axis, words in COORDINATES.items():
        matches = [small[word] for word in words if word in small]
        if axis not in places and matches:
            places[axis] = matches[0]
    return places if len(places) == len(COORDINATES) else {}
