"""Simulated soil profiles with known parameters behind them (the paper's Table 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sciren.datasets.noise import truncated_normal
from sciren.datasets.soil_climate import draw_climate
from sciren.datasets.soil_relationships import Relationship, draw_relationships
from sciren.datasets.soil_sites import FEATURES, draw_features, draw_places
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from sciren.data.splits import Split
    from sciren.data.table import Table
    from sciren.decoders.clm5 import CLM5Forcing
    from sciren.decoders.clm5.decoder import SiteSoilCarbon

PARAMETERS = ("efolding", "tau4s3", "fs1s3", "w_scaling")
# Folds and their seed as in the paper's spatial cross-validation.
FOLDS = 5
BLOCK_SEED = 12345  # of the published split
# Ten sites a fold on average.
LEAST_SITES = 50


@dataclass(frozen=True, eq=False)
class SoilCarbonTruth:
    """What the profiles were made from.

    Args:
        relationships: one for each predicted parameter.
        unit: (n_sites, 4) positions inside the priors.
        values: (n_sites, 4) physical.
        sensitive: (n_sites, 4) bool, whether the observed carbon of a site depends on
            the parameter; w-scaling is without effect where all water scalars are at
            their upper limit.
    """

    relationships: tuple[Relationship, ...]
    unit: pd.DataFrame
    values: pd.DataFrame
    sensitive: pd.DataFrame

    @property
    def edges(self) -> frozenset[tuple[str, str]]:
        """True pairs of feature and parameter, eight of forty."""
        return frozenset(
            (c.feature, r.name) for r in self.relationships for c in r.curves
        )

    @property
    def formulas(self) -> dict[str, str]:
        """Parameter -> formula of the features, physical units."""
        return {
            relationship.name: relationship.formula
            for relationship in self.relationships
        }

    def importance(self) -> pd.DataFrame:
        """Return features by parameters: one half for each true edge, columns sum to 1."""
        shares = pd.DataFrame(0.0, list(FEATURES), list(self.unit.columns))
        for feature, parameter in self.edges:
            shares.loc[feature, parameter] = 0.5
        return shares


@dataclass(frozen=True, eq=False)
class SoilCarbonStudy:
    """Simulated profiles, their truth and the published way to split them.

    Args:
        seed: of the sites.
        sites: (n_sites) rows with lon, lat, fold and the ten features.
        frame: (n) rows, one an observation: site, depth (m), the features, soc (noisy),
            soc_clean (gC m-3), and the true parameters as <name>_true (physical).
        truth: formulas and values of the parameters.
        forcing: of all sites.
        units: column -> unit.
        noise: relative standard deviation of the observations.
    """

    seed: int
    sites: pd.DataFrame
    frame: pd.DataFrame
    truth: SoilCarbonTruth
    forcing: "CLM5Forcing"
    units: Mapping[str, str]
    noise: float
    features: tuple[str, ...] = field(default=tuple(FEATURES))

    def decoder(self) -> "SiteSoilCarbon":
        """Return the soil carbon model at these sites; four parameters are predicted."""
        from sciren.decoders.clm5 import CLM5SoilCarbon

        return CLM5SoilCarbon(PARAMETERS).at_sites(self.forcing)

    def table(self, features: Sequence[str] | None = None) -> "Table":
        """Return all observations: forcings site and depth, target soc, groups sites.

        ``row_ids`` are rows of ``frame``.
        """
        from sciren.data.table import Table

        return Table.from_frame(
            self.frame, features or self.features, ["site", "depth"], ["soc"],
            units=self.units, groups="site",
        )  # fmt: skip

    def tables(self, split: int = 1, features: Sequence[str] | None = None) -> "Split":
        """Return training, validation and test tables of split 1 to 5.

        Split c tests on fold c - 1 and validates on fold c mod 5; folds are whole
        2 x 2 degree blocks.

        Raises:
            ConfigError: there is no such split.
        """
        from sciren.data.spatial import split_by_fold

        if not 1 <= split <= FOLDS:
            raise ConfigError(f"split {split} does not exist; use 1 to {FOLDS}")
        # By site, so that all depths of a profile are in one part.
        fold = self.sites["fold"].to_numpy()[self.frame["site"]]
        table = self.table(features)
        return split_by_fold(table, fold, split - 1, split % FOLDS)


def make_soil_carbon(
    n_sites: int = 1018, seed: int = 0, truth: int = 12345, noise: float = 0.0
) -> SoilCarbonStudy:
    """Simulate soil profiles of the conterminous United States with a known truth.

    Ten correlated features give four of the 21 parameters of the soil carbon model by
    drawn formulas (the other 17 are in the middle of their priors); the model, under
    forcing that fits the features, gives the carbon at two to eight depths a site.

    Args:
        n_sites: number of sites, at least 50.
        seed: of places, features, forcing, depths and noise.
        truth: seed of the formulas; 12345 chooses as the published study does.
        noise: relative standard deviation of the carbon, truncated at 0.95.
    Raises:
        ConfigError: too few sites, or a negative seed or noise.
    Reference: ScIReN paper, section on soil carbon and Appendix E.
    """
    if n_sites < LEAST_SITES or seed < 0 or truth < 0 or not 0 <= noise < np.inf:
        raise ConfigError(
            f"n_sites={n_sites}, seed={seed}, truth={truth}, noise={noise}: there must be "
            f"at least {LEAST_SITES} sites, and seeds and noise cannot be negative"
        )
    rng = np.random.default_rng(seed)
    lon, lat = draw_places(n_sites, rng)
    # One generator from places to depths, in this order: a seed fixes the whole study.
    features = draw_features(lon, lat, rng)
    sites = pd.DataFrame({"lon": lon, "lat": lat, "fold": _folds(lon, lat)})
    sites = sites.join(features)
    forcing = _forcing(features, lat, rng)
    known = _truth(features, forcing, truth)
    frame = _observations(n_sites, rng)
    clean = _carbon(frame, known.unit, forcing)
    draws = truncated_normal(len(frame), noise, seed)
    rows = frame["site"]
    frame = frame.assign(soc=clean * (1 + draws), soc_clean=clean)
    true = known.values.add_suffix("_true").iloc[rows].reset_index(drop=True)
    frame = frame.join(features.iloc[rows].reset_index(drop=True)).join(true)
    return SoilCarbonStudy(seed, sites, frame, known, forcing, _units(), noise)


def _folds(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    from sciren.data.spatial import split_by_block

    return split_by_block(lon, lat, 2.0, FOLDS, BLOCK_SEED)


def _units() -> dict[str, str]:
    from sciren.decoders.clm5.parameters import PRIORS

    units = {name: feature.unit for name, feature in FEATURES.items()}
    units |= {"lon": "degrees_east", "lat": "degrees_north", "depth": "m"}
    units |= {"soc": "gC m-3", "soc_clean": "gC m-3"}
    return units | {f"{p.name}_true": p.unit for p in PRIORS if p.name in PARAMETERS}


def _forcing(
    features: pd.DataFrame, lat: np.ndarray, rng: np.random.Generator
) -> "CLM5Forcing":
    from sciren.decoders.clm5 import CLM5Forcing
    from sciren.decoders.clm5.geometry import LAYERS, NODES

    nodes = np.array(NODES[:LAYERS])
    return CLM5Forcing(**draw_climate(features, lat, nodes, rng))


def _truth(
    features: pd.DataFrame, forcing: "CLM5Forcing", seed: int
) -> SoilCarbonTruth:
    from sciren.decoders.clm5.parameters import PRIORS

    priors = {prior.name: prior for prior in PRIORS}
    declared = [(name, priors[name].low, priors[name].high) for name in PARAMETERS]
    columns = {name: features[name].to_numpy() for name in features}
    relationships = draw_relationships(columns, declared, seed)
    values = pd.DataFrame(
        {relationship.name: relationship(columns) for relationship in relationships}
    )
    sensitive = pd.DataFrame(True, values.index, values.columns)
    # Where even the driest month is saturated, min(w_scaling w, 1) is one everywhere.
    dryest = forcing.w_scalar.amin((1, 2)).numpy()
    sensitive["w_scaling"] = dryest * values["w_scaling"] < 1
    unit = pd.DataFrame(
        {
            relationship.name: relationship.unit(columns)
            for relationship in relationships
        }
    )
    return SoilCarbonTruth(relationships, unit, values, sensitive)


def _observations(n_sites: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return two to eight depths a site, from 3 mm to 3 m, denser near the surface."""
    counts = rng.integers(2, 9, n_sites)
    site = np.repeat(np.arange(n_sites), counts)
    # Even in the logarithm.
    depth = 10 ** rng.uniform(-2.5, 0.5, len(site))
    order = np.lexsort((depth, site))
    return pd.DataFrame({"site": site, "depth": depth[order]})


def _carbon(
    frame: pd.DataFrame, unit: pd.DataFrame, forcing: "CLM5Forcing"
) -> np.ndarray:
    """Return the carbon (n,) of the model at the true parameters."""
    import torch

    from sciren.decoders.clm5 import CLM5SoilCarbon

    decoder = CLM5SoilCarbon(PARAMETERS)
    full = decoder.complete(torch.tensor(unit.to_numpy()))
    with torch.no_grad():
        # One solve for all sites; then every row picks its site and depth.
        layers = decoder.soc(decoder.steady_state(full, forcing))
        site = torch.tensor(frame["site"].to_numpy())
        depth = torch.tensor(frame["depth"].to_numpy())
        return decoder.at_depth(layers[site], depth).numpy()
