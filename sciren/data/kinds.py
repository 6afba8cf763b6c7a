"""What the numbers of a feature mean: amounts, classes, or places on a circle.

A kind knows how a column becomes numbers and how these are scaled. What it brings to a
room is registered there: the knots of its curve in `sciren.encoders.curve_spaces`, its
columns in tests and intervals in `sciren.inference.kind_bases`, its closed forms in
`symbolic.families.kind_families`. No room asks which kind a feature has.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sciren.bounded import damage_told
from sciren.data.frames import numeric_column
from sciren.data.labels import id_text, sorted_labels
from sciren.data.text_cells import mostly_numbers
from sciren.errors import ConfigError, DataError, FormatError

MOST_CLASSES = 60
"""Each class costs a constant; with more, such as sites, `groups` is what is meant."""

UNSEEN = 0.0
"""Number of a word that was no class in training; its effect is the mean."""


@dataclass(frozen=True)
class FeatureKind(ABC):
    """What the numbers of a feature mean."""

    @abstractmethod
    def encoded(self, frame: pd.DataFrame, name: str) -> np.ndarray:
        """Return a column as (n,) float64; empty cells become nan.

        Raises:
            DataError: cells that the kind cannot read.
        """

    def scaling(self) -> tuple[float, float] | None:
        """Return shift and scale of the feature; None where they are learned."""
        return None

    def known(self, values: np.ndarray) -> np.ndarray | None:
        """Return which values (n,) training has seen; None where a range says that."""
        return None

    def stretched(self, values: np.ndarray, by: float) -> np.ndarray:
        """Return values (n,) spread about the middle of their range, where they can be."""
        middle = (values.max() + values.min()) / 2
        return middle + by * (values - middle)

    def shown(self, value: float) -> str:
        """Return how one value is written."""
        return f"{value:g}"

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return plain data, which `kind_from_json` reads."""


@dataclass(frozen=True)
class Numeric(FeatureKind):
    """An amount: any number, more is more."""

    def encoded(self, frame: pd.DataFrame, name: str) -> np.ndarray:
        """Return the numbers of a column."""
        return numeric_column(frame, name)

    def to_json(self) -> dict[str, Any]:
        """Return the name of the kind."""
        return {"kind": "numeric"}


@dataclass(frozen=True)
class Categorical(FeatureKind):
    """One of several classes, without an order.

    Classes that are whole numbers in the table keep these numbers; words are numbered
    from 1 in the order of ``labels``, and a word that is no class is `UNSEEN`.

    Args:
        labels: of the classes, C of them;  codes: their numbers, rising.
    """

    labels: tuple[str, ...]
    codes: tuple[float, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str) -> "Categorical":
        """Take the classes that a column has.

        Raises:
            DataError: more than `MOST_CLASSES` classes.
        """
        labels = sorted_labels(id_text(_cells(frame, name).dropna()))
        if len(labels) > MOST_CLASSES:
            shown = ", ".join(repr(label) for label in labels[:3])
            raise DataError(
                f"column {name!r} has {len(labels)} different values ({shown}, ...), too "
                f"many for classes ({MOST_CLASSES} at most); join rare classes, or name "
                "the column as groups if it tells sites apart"
            )
        return cls(tuple(labels), _codes(labels))

    @property
    def size(self) -> int:
        """Number C of classes."""
        return len(self.labels)

    def encoded(self, frame: pd.DataFrame, name: str) -> np.ndarray:
        """Return the numbers of the classes; `UNSEEN` for words that are none.

        A column of numbers is taken as it is.
        """
        cells = _cells(frame, name)
        # Numbers are codes already, such as those of an encoded frame.
        if cells.dtype.kind in "fiu":
            return cells.to_numpy(dtype=np.float64, na_value=np.nan)
        numbers = dict(zip(self.labels, self.codes, strict=True))
        texts = id_text(cells)
        return np.array(
            [np.nan if pd.isna(text) else numbers.get(text, UNSEEN) for text in texts],
            dtype=np.float64,
        )

    def scaling(self) -> tuple[float, float] | None:
        """Classes are not scaled."""
        return 0.0, 1.0

    def one_hot(self, values: np.ndarray) -> np.ndarray:
        """Return (n, C): 1.0 where a value (n,) is the class."""
        return (np.asarray(values)[:, None] == np.array(self.codes)).astype(float)

    def known(self, values: np.ndarray) -> np.ndarray | None:
        """Return which values are classes; a missing one counts as known."""
        return np.isin(values, self.codes) | np.isnan(values)

    def stretched(self, values: np.ndarray, by: float) -> np.ndarray:
        """Classes have nothing between and beyond them."""
        return values

    def shown(self, value: float) -> str:
        """Return the label of a class."""
        place = np.flatnonzero(np.array(self.codes) == value)
        return self.labels[int(place[0])] if len(place) else f"class {value:g}"

    def to_json(self) -> dict[str, Any]:
        """Return labels and codes."""
        return {
            "kind": "categorical",
            "labels": list(self.labels),
            "codes": list(self.codes),
        }


@dataclass(frozen=True)
class Periodic(FeatureKind):
    """A place on a circle: day of year, hour, direction of the wind.

    Args:
        period: length of the circle in the unit of the feature, positive.
    """

    period: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.period) and self.period > 0):
            raise ConfigError(
                f"period {self.period}: use a positive number in the unit of the "
                "feature, such as 365.25 for days of the year"
            )

    def encoded(self, frame: pd.DataFrame, name: str) -> np.ndarray:
        """Return the numbers of a column."""
        return numeric_column(frame, name)

    def scaling(self) -> tuple[float, float] | None:
        """Places on a circle are not scaled."""
        return 0.0, 1.0

    def known(self, values: np.ndarray) -> np.ndarray | None:
        """Every place on the circle is between two others."""
        return np.ones(len(values), dtype=bool)

    def to_json(self) -> dict[str, Any]:
        """Return the period."""
        return {"kind": "periodic", "period": self.period}


NUMERIC = Numeric()
Kinds = Mapping[str, FeatureKind]
"""Feature -> kind; a feature that is not there is numeric."""


def kinds_in_order(kinds: Kinds, names: Sequence[str]) -> tuple[FeatureKind, ...]:
    """Return the kind of every feature."""
    return tuple(kinds.get(name, NUMERIC) for name in names)


def kinds_of(
    frame: pd.DataFrame,
    features: Sequence[str],
    categorical: Sequence[str] = (),
    periodic: Mapping[str, float] | None = None,
    given: Kinds | None = None,
) -> dict[str, FeatureKind]:
    """Return the kinds of features that are not numeric.

    Columns of text are classes unless most of it reads as numbers or dates; truth values
    always are, numbers where that is said.

    Args:
        frame: the table.
        features: its feature columns.
        categorical: columns that are classes.
        periodic: column -> period.
        given: kinds that are known already, such as those of a trained model.
    Raises:
        ConfigError: a name that is no feature, or one that is named twice.
        DataError: too many classes.
    """
    periodic, given = dict(periodic or {}), dict(given or {})
    for key, names in (("categorical", categorical), ("periodic", periodic)):
        for name in names:
            if name not in features:
                raise ConfigError(
                    f"{key}: {name!r} is none of the features {list(features)}"
                )
    both = sorted(set(categorical) & set(periodic))
    if both:
        raise ConfigError(f"{both[0]!r} is categorical or periodic, not both")
    kinds: dict[str, FeatureKind] = {}
    for name in features:
        # Known kinds first: new data of a trained model must not number classes anew.
        if name in given:
            kinds[name] = given[name]
        elif name in periodic:
            kinds[name] = Periodic(float(periodic[name]))
        elif name in categorical or _holds_classes(pd.Series(frame[name])):
            kinds[name] = Categorical.of(frame, name)
    # Numeric is what all others are: it is not stored.
    return {name: kind for name, kind in kinds.items() if kind != NUMERIC}


def _holds_classes(cells: pd.Series) -> bool:
    """Whether a column holds truth values, or text that is mostly no numbers and no dates."""
    if isinstance(cells.dtype, pd.CategoricalDtype) or cells.dtype.kind == "b":
        return True
    known = cells.dropna()
    if pd.api.types.is_numeric_dtype(cells) or cells.dtype.kind in "mM":
        return pd.api.types.is_bool_dtype(cells)
    if not len(known) or not all(
        isinstance(cell, str | bool | int | float) for cell in known
    ):
        return False
    # Spreadsheets mix numbers and words in one column of codes.
    return not mostly_numbers(known.astype(str).unique().tolist())


def _cells(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column; of a pandas category its values, whatever levels it lists."""
    cells = pd.Series(frame[name])
    if isinstance(cells.dtype, pd.CategoricalDtype):
        # Levels that no row has must not become classes.
        cells = cells.astype(cells.cat.categories.dtype)
    return cells


def _codes(labels: Sequence[str]) -> tuple[float, ...]:
    """Numbers of classes: their own where all are whole numbers, else 1, 2, ..."""
    if all(_is_whole(label) for label in labels):
        return tuple(float(label) for label in labels)
    return tuple(float(k + 1) for k in range(len(labels)))


def _is_whole(label: str) -> bool:
    digits = label.removeprefix("-")
    # Below 16 digits a double holds the number exactly; "007" is a word, or it would
    # meet 7.
    return digits.isdecimal() and len(digits) < 16 and label == str(int(label))


def kind_from_json(stored: Any) -> FeatureKind:
    """Read what `FeatureKind.to_json` wrote.

    Raises:
        FormatError: no kind.
    """
    with damage_told(FormatError, "the kind of a feature cannot be read", passed=()):
        match stored["kind"]:
            case "numeric":
                return NUMERIC
            case "periodic":
                return Periodic(float(stored["period"]))
            case "categorical":
                labels = tuple(str(label) for label in stored["labels"])
                codes = tuple(float(code) for code in stored["codes"])
                # Rising codes are what searches of classes rely on.
                if len(labels) == len(codes) and list(codes) == sorted(set(codes)):
                    return Categorical(labels, codes)
    raise FormatError(f"{stored!r:.80} is no kind of a feature")


def kinds_to_json(kinds: Kinds) -> dict[str, Any]:
    """Return feature -> plain data."""
    return {name: kind.to_json() for name, kind in kinds.items()}


def kinds_from_json(stored: Any) -> dict[str, FeatureKind]:
    """Read what `kinds_to_json` wrote; nothing stored is no kind but numeric.

    Raises:
        FormatError: no mapping of kinds.
    """
    if not isinstance(stored or {}, Mapping):
        raise FormatError(f"{stored!r:.80} is no mapping of features to kinds")
    return {str(name): kind_from_json(kind) for name, kind in (stored or {}).items()}


def encoded_frame(frame: pd.DataFrame, kinds: Kinds) -> pd.DataFrame:
    """Return a table in which every feature with a kind is numbers."""
    made = {
        name: kind.encoded(frame, name)
        for name, kind in kinds.items()
        if name in frame.columns
    }
    return frame.assign(**made) if made else frame
