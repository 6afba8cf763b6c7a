"""Measured carbon profiles, ready for the model: layers, sites, forcing, folds, drops."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sciren import SciRenError, Split, Table
from sciren.datasets import ClimateRecipe, forcing_from_climate

if TYPE_CHECKING:
    from sciren.decoders import CLM5Forcing

FOLDS = 5
SPLIT_SEED = 12345  # the published one
DEEPEST = 3.0  # m
GRAMS = 1e4  # % of mass times g cm-3, in g m-3


class ProfileError(SciRenError):
    """A file of profiles is missing, or nothing usable is in it."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """Layers and sites of one data set.

    Args:
        name: of the data set.
        layers: one row a layer: site (row of ``sites``), depth (middle, m), soc
            (gC m-3), bd_known (bulk density was measured), and the features.
        sites: one row a profile: profile_id, lat, lon, group (what is held out
            together), and the climate columns of `forcing_from_climate`.
        features: columns that the encoders read.
        units: column -> unit.
        dropped: reason -> layers left out, in the order of the rules.
        notes: what has to be known about the data.
    """

    name: str
    layers: pd.DataFrame
    sites: pd.DataFrame
    features: tuple[str, ...]
    units: Mapping[str, str]
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def table(self, features: Sequence[str] | None = None) -> Table:
        """Return all layers; forcings are the site's number and the depth."""
        groups = self.sites["group"].to_numpy()[self.layers["site"].to_numpy()]
        return Table.from_frame(
            self.layers, list(features or self.features), ["site", "depth"], ["soc"],
            units=dict(self.units), groups=groups,
        )  # fmt: skip

    def forcing(self, recipe: ClimateRecipe | None = None) -> "CLM5Forcing":
        """Return the forcing of the sites by the climate recipe."""
        return forcing_from_climate(**self.climate(), recipe=recipe)

    def climate(self) -> dict[str, np.ndarray]:
        """Return the climate columns of the sites."""
        return {
            name: self.sites[name].to_numpy(dtype=float)
            for name in CLIMATE
            if name in self.sites
        }

    def folds(self, seed: int = SPLIT_SEED) -> np.ndarray:
        """Deal the groups to folds in turn, whole groups together: (sites,)."""
        groups = np.unique(self.sites["group"])
        order = np.random.default_rng(seed).permutation(len(groups))
        place = dict(zip(groups[order], np.arange(len(groups)) % FOLDS, strict=True))
        return np.array([place[group] for group in self.sites["group"]])

    def split(self, number: int, features: Sequence[str] | None = None) -> Split:
        """Return split 1 to 5: test fold number - 1, validation the next, train the rest.

        As in the published study features are clipped, here to the range of the training
        rows, so that no method is asked to continue its curves.
        """
        fold = self.folds()[self.layers["site"].to_numpy()]
        whole, test, valid = self.table(features), number - 1, number % FOLDS
        train = (fold != test) & (fold != valid)
        trained_on = whole.features[train]
        inside = whole.features.clamp(trained_on.amin(0), trained_on.amax(0))
        whole = replace(whole, features=inside)
        masks = (train, fold == valid, fold == test)
        return Split(*(whole.take(np.flatnonzero(mask)) for mask in masks))


CLIMATE = (
    "mat", "amplitude", "precipitation", "latitude", "rain_swing", "woody", "waterlogged",
    "bedrock_depth",
)  # fmt: skip


class Sieve:
    """Rows of a frame that pass rules, with the number that each rule took.

    Args:
        frame: the layers.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.dropped: dict[str, int] = {}

    def keep(self, reason: str, rule: Callable[[pd.DataFrame], Any]) -> None:
        """Keep the rows for which the rule holds; the reason names the others."""
        good = np.asarray(rule(self.frame), dtype=bool)
        if not good.all():
            self.dropped[reason] = int((~good).sum())
        self.frame = pd.DataFrame(self.frame[good])
        if self.frame.empty:
            raise ProfileError(f"no layer is left after the rule '{reason}'")


def read_layers(file: Path, needed: Sequence[str]) -> pd.DataFrame:
    """Read a file of layers.

    Raises:
        ProfileError: it is missing or lacks a column.
    """
    if not file.is_file():
        raise ProfileError(
            f"there is no {file}; --data names the folder that holds {file.parent.name}"
        )
    frame = pd.read_csv(file, low_memory=False)
    missing = [name for name in needed if name not in frame]
    if missing:
        raise ProfileError(f"{file.name} lacks the columns {', '.join(missing)}")
    return frame


def bulk_density(soc: Any) -> Any:
    """Bulk density from organic carbon where none was measured, g cm-3.

        1.66 - 0.318 sqrt(soc %), at least 0.15

    Reference: Manrique and Jones 1991, Soil Science Society of America Journal 55, 476.
    """
    return np.maximum(1.66 - 0.318 * np.sqrt(soc), 0.15)


def with_density(frame: pd.DataFrame) -> pd.DataFrame:
    """Add soc in gC m-3, depth in m, and whether bulk density was measured."""
    known = frame["bd"].notna()
    density = frame["bd"].where(known, bulk_density(frame["soc"]))
    return frame.assign(
        bd_known=known,
        soc=frame["soc"] * density * GRAMS,
        depth=(frame["layer_top"] + frame["layer_bot"]) / 200,
    )


def density_skill(frame: pd.DataFrame) -> dict[str, float]:
    """Say how the pedotransfer rule does where bulk density was measured.

    Args:
        frame: columns soc in % and bd.
    Returns:
        rows, bias, rmse (g cm-3) and the sd of the measured values.
    """
    known: Any = frame[frame["bd"].notna()]
    error = bulk_density(known["soc"]) - known["bd"]
    return {
        "rows": float(len(known)),
        "bias": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "sd": float(known["bd"].std(ddof=0)),
    }


def over_depth(
    frame: pd.DataFrame, names: Sequence[str], deepest: float
) -> pd.DataFrame:
    """Mean of columns over each profile, weighted by thickness down to a depth in cm.

    Layers without a value are left out of their column's mean.
    """
    top, bottom = frame["layer_top"], frame["layer_bot"].clip(upper=deepest)
    thick = (bottom - top).clip(lower=0.0)
    found = {}
    profile: Any = frame["profile_id"]
    for name in names:
        weight = thick.where(frame[name].notna(), 0.0)
        sums = (frame[name].fillna(0.0) * weight).groupby(profile).sum()
        total: Any = weight.groupby(profile).sum()
        found[name] = sums / total.where(total > 0)
    return pd.DataFrame(found)
