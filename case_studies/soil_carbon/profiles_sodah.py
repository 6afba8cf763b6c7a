"""Profiles of the SoDaH collection: the NEON network, or all networks."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from case_studies.soil_carbon.profiles import (
    DEEPEST,
    Profiles,
    Sieve,
    density_skill,
    over_depth,
    read_layers,
    with_density,
)
from sciren.datasets import amplitude_from_latitude, climate_summary

FILE = "soil_profiles_sodah/sodah_control_layers.csv.gz"
NEEDED = (
    "profile_id", "network", "site_code", "lat", "lon", "land_cover", "mat", "map",
    "layer_top", "layer_bot", "soc", "bd", "clay", "sand", "ph_h2o", "fe_ox", "al_ox",
    "hzn", "block_2deg",
)  # fmt: skip
OXIDES = ("al_ox", "fe_ox")
MEASURED = ("clay", "sand", "ph_h2o", *OXIDES)
FEATURES = {
    "neon": (
        "mat",
        "map",
        "npp",
        "vegetation_carbon",
        "clay",
        "sand",
        "ph_h2o",
        "log_al_ox",
        "log_fe_ox",
    ),
    "sodah": ("mat", "map", "npp", "vegetation_carbon", "latitude"),
}
UNITS = {
    "mat": "degC", "map": "mm yr-1", "npp": "gC m-2 yr-1", "vegetation_carbon": "gC m-2",
    "clay": "%", "sand": "%", "ph_h2o": "", "log_al_ox": "log of g kg-1",
    "log_fe_ox": "log of g kg-1",
    "latitude": "degrees north", "soc": "gC m-3", "depth": "m",
}  # fmt: skip
PEAT = 40.0  # cm; thicker organic horizons make a Histosol (Soil Taxonomy)
FEATURE_DEPTH = 100.0  # cm
# share of trees in the land covers of the National Land Cover Database
WOODY = {
    "deciduousForest": 1.0, "evergreenForest": 1.0, "mixedForest": 1.0, "forest": 1.0,
    "woodyWetlands": 1.0, "shrubScrub": 0.3, "dwarfScrub": 0.3, "shrubland": 0.3,
    "grasslandHerbaceous": 0.0, "sedgeHerbaceous": 0.0, "pastureHay": 0.0,
    "cultivatedCrops": 0.0, "cultivated": 0.0, "rangeland/grassland": 0.0,
    "emergentHerbaceousWetlands": 0.0,
}  # fmt: skip
WET = {"woodyWetlands": 0.5, "emergentHerbaceousWetlands": 1.0}


def read_sodah(data: Path, part: Literal["neon", "sodah"] = "neon") -> Profiles:
    """Read the profiles of NEON, or of all networks with features that all have.

    Depths are moved to the mineral surface: organic horizons above mineral soil are
    litter, which the model keeps in other pools, and are left out.

    Args:
        data: folder with the data sets.
        part: "neon" or "sodah".
    Raises:
        ProfileError: the file is missing or not as expected.
    """
    frame = read_layers(data / FILE, NEEDED)
    sieve = Sieve(frame)
    if part == "neon":
        sieve.keep("other networks", lambda f: f["network"] == "NEON")
    skill = _to_mineral(sieve)
    needed = MEASURED if part == "neon" else ()
    means = over_depth(sieve.frame, MEASURED, FEATURE_DEPTH)
    for name in OXIDES:  # a few values are far above all others
        means[f"log_{name}"] = np.log10(means[name] + 0.1)
    whole = list(means.dropna(subset=list(needed)).index)
    sieve.keep("no soil property anywhere", lambda f: f["profile_id"].isin(whole))
    sieve.keep("no climate", lambda f: f[["mat", "map"]].notna().all(axis=1))
    layers: Any = with_density(sieve.frame)
    sites = _sites(layers, means)
    names = list(FEATURES[part])
    number = dict(zip(sites["profile_id"], range(len(sites)), strict=True))
    layers["site"] = layers["profile_id"].map(number)
    features = sites.rename(columns={"precipitation": "map"})[names]
    rows = features.iloc[layers["site"]].set_axis(layers.index)
    columns = ["site", "depth", "soc", "bd_known"]
    return Profiles(
        name={"neon": "NEON", "sodah": "SoDaH"}[part],
        layers=pd.concat([layers[columns], rows], axis=1).reset_index(drop=True),
        sites=sites,
        features=tuple(names),
        units=UNITS,
        dropped=sieve.dropped,
        notes=_notes(skill, layers),
    )


def _to_mineral(sieve: Sieve) -> dict[str, float]:
    """Keep mineral layers with depths from the mineral surface; skill of bulk density."""
    organic = sieve.frame["hzn"].astype(str).str.match(r"^\d?O")
    sieve.frame = sieve.frame.assign(organic=organic)
    sieve.frame = _measured_from_mineral(sieve.frame)
    sieve.keep("organic soil, 40 cm or more", lambda f: ~(f["surface"] >= PEAT))
    sieve.keep("organic horizon", lambda f: ~f["organic"])
    keys = ["profile_id", "layer_top", "layer_bot"]
    repeats = sieve.frame.groupby(keys)
    means = {name: repeats[name].transform("mean") for name in ("soc", "bd")}
    sieve.frame = sieve.frame.assign(**means)
    sieve.keep("repeat of a layer, averaged", lambda f: ~f.duplicated(keys))
    sieve.keep(
        "middle above the surface or below 3 m",
        lambda f: (
            (f["layer_top"] >= 0) & (f["layer_top"] + f["layer_bot"] <= 200 * DEEPEST)
        ),
    )
    sieve.keep("no thickness", lambda f: f["layer_bot"] > f["layer_top"])
    return density_skill(sieve.frame)


def _measured_from_mineral(frame: Any) -> pd.DataFrame:
    """Subtract the organic horizons on top from the depths of a profile."""
    first = frame["layer_top"].where(~frame["organic"])
    mineral = first.groupby(frame["profile_id"]).transform("min")
    bottom = frame["layer_bot"].where(frame["organic"])
    deepest = bottom.groupby(frame["profile_id"]).transform("max").fillna(0.0)
    on_top = np.minimum(mineral.fillna(deepest), deepest)  # buried ones do not count
    return frame.assign(
        surface=on_top,
        layer_top=frame["layer_top"] - on_top,
        layer_bot=frame["layer_bot"] - on_top,
    )


def _sites(layers: Any, means: Any) -> pd.DataFrame:
    first = layers.groupby("profile_id", sort=True).first()
    cover = first["land_cover"]
    latitude = first["lat"].to_numpy()
    sites = pd.DataFrame(
        {
            "lat": first["lat"],
            "lon": first["lon"],
            "group": first["block_2deg"],
            "site_code": first["site_code"],
            "mat": first["mat"],
            "precipitation": first["map"],
            "latitude": first["lat"],
            "amplitude": amplitude_from_latitude(latitude, continentality(first)),
            "woody": cover.map(WOODY),
            "waterlogged": cover.map(WET).fillna(0.0),
        }
    ).join(means.loc[first.index])
    climate = ["mat", "amplitude", "precipitation", "latitude"]
    given: dict[str, Any] = {name: sites[name].to_numpy() for name in climate}
    made = climate_summary(**given)
    sites["woody"] = sites["woody"].fillna(made["woody"].set_axis(sites.index))
    given["woody"] = sites["woody"].to_numpy()
    found = climate_summary(**given).set_axis(sites.index)
    sites[["npp", "vegetation_carbon"]] = found[["npp", "vegetation_carbon"]]
    return sites.reset_index()


def continentality(sites: pd.DataFrame) -> np.ndarray:
    """Gorczynski's index by region, since the collection has no seasons: (n,).

    Islands of the tropics 0, the Pacific coast of North America and western Europe 12,
    elsewhere 40.
    """
    lat, lon = sites["lat"].to_numpy(), sites["lon"].to_numpy()
    pacific = (lon < -120) & (lon > -135) & (lat > 32) & (lat < 60)
    europe = (lon > -12) & (lon < 10) & (lat > 36)
    south = lat < -25
    island = np.abs(lat) < 23
    return np.where(island, 0.0, np.where(pacific | europe | south, 12.0, 40.0))


def _notes(skill: dict[str, float], layers: Any) -> tuple[str, ...]:
    known = float(layers["bd_known"].mean())
    return (
        f"Bulk density measured in {known:.0%} of the layers; else Manrique and Jones "
        f"1991, where measured: bias {skill['bias']:+.3f}, RMSE {skill['rmse']:.3f} "
        f"(sd {skill['sd']:.3f}) g cm-3, {skill['rows']:.0f} layers.",
        "Measured bulk density is no feature, because it is a factor of the carbon "
        "density that is to be predicted.",
        "Temperature and precipitation are one value a site; the amplitude follows from "
        "latitude and region.",
    )
