"""Legacy profiles of Africa with WorldClim climate."""

from pathlib import Path
from typing import Any

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
from sciren.datasets import climate_summary

FILE = "soil_profiles_africa/africa_layers.csv.gz"
NEEDED = (
    "profile_id", "lat", "lon", "layer_top", "layer_bot", "soc", "clay", "sand", "ph_h2o",
    "cec", "bd", "drainage", "tmax_warmest_month", "tmin_coldest_month", "tmid_proxy",
    "map", "prec_wettest_month", "prec_driest_month", "block_2deg",
)  # fmt: skip
MEASURED = ("clay", "sand", "ph_h2o", "cec")
FEATURES = ("mat", "map", "rain_swing", "npp", "vegetation_carbon", *MEASURED)
UNITS = {
    "mat": "degC", "map": "mm yr-1", "rain_swing": "", "npp": "gC m-2 yr-1",
    "vegetation_carbon": "gC m-2", "clay": "%", "sand": "%", "ph_h2o": "",
    "cec": "cmolc kg-1", "soc": "gC m-3", "depth": "m",
}  # fmt: skip
DAILY_RANGE = 12.0  # K, taken off the yearly range of extremes
FEATURE_DEPTH = 100.0  # cm
WET = {"V": 1.0, "P": 0.5}  # very poorly and poorly drained
PEAT = 12.0  # % carbon; organic material, of which the model knows nothing


def read_africa(data: Path, thin: int = 1) -> Profiles:
    """Read the profiles of Africa.

    The mean temperature is the middle of the warmest and the coldest month's extremes,
    the amplitude half their distance after 12 K of daily range.

    Args:
        data: folder with the data sets.
        thin: every how many profiles are used.
    Raises:
        ProfileError: the file is missing or not as expected.
    """
    frame = read_layers(data / FILE, NEEDED)
    sieve = Sieve(frame)
    sieve.keep("organic material, 12 % carbon or more", lambda f: f["soc"] < PEAT)
    keys = ["lat", "lon", "layer_top", "layer_bot", "soc"]
    sieve.keep("same place, depth and carbon again", lambda f: ~f.duplicated(keys))
    sieve.keep(
        "below 3 m or without thickness",
        lambda f: (
            (f["layer_bot"] > f["layer_top"])
            & (f["layer_top"] + f["layer_bot"] <= 200 * DEEPEST)
        ),
    )
    means: Any = over_depth(sieve.frame, MEASURED, FEATURE_DEPTH).dropna()
    whole = list(means.index)
    sieve.keep("no soil property anywhere", lambda f: f["profile_id"].isin(whole))
    skill = density_skill(sieve.frame)
    if thin > 1:
        few = whole[::thin]
        sieve.keep("thinned", lambda f: f["profile_id"].isin(few))
    layers: Any = with_density(sieve.frame)
    sites = _sites(layers, means)
    number = dict(zip(sites["profile_id"], range(len(sites)), strict=True))
    layers["site"] = layers["profile_id"].map(number)
    features = sites.rename(columns={"precipitation": "map"})[list(FEATURES)]
    rows = features.iloc[layers["site"]].set_axis(layers.index)
    columns = ["site", "depth", "soc", "bd_known"]
    return Profiles(
        name="Africa",
        layers=pd.concat([layers[columns], rows], axis=1).reset_index(drop=True),
        sites=sites,
        features=FEATURES,
        units=UNITS,
        dropped=sieve.dropped,
        notes=_notes(skill, layers),
    )


def _sites(layers: Any, means: Any) -> pd.DataFrame:
    first = layers.groupby("profile_id", sort=True).first()
    span = first["tmax_warmest_month"] - first["tmin_coldest_month"]
    wet, dry = first["prec_wettest_month"], first["prec_driest_month"]
    sites = pd.DataFrame(
        {
            "lat": first["lat"],
            "lon": first["lon"],
            "group": first["block_2deg"],
            "mat": first["tmid_proxy"],
            "precipitation": first["map"],
            "latitude": first["lat"],
            "amplitude": ((span - DAILY_RANGE) / 2).clip(lower=0.5),
            "rain_swing": (wet - dry) / (wet + dry).clip(lower=1.0),
            "waterlogged": first["drainage"].map(WET).fillna(0.0),
        }
    ).join(means.loc[first.index])
    climate = ("mat", "amplitude", "precipitation", "latitude", "rain_swing")
    given: dict[str, Any] = {name: sites[name].to_numpy() for name in climate}
    found = climate_summary(**given)
    made = found[["npp", "vegetation_carbon"]].set_axis(sites.index)
    return sites.join(made).reset_index()


def _notes(skill: dict[str, float], layers: Any) -> tuple[str, ...]:
    known = float(layers["bd_known"].mean())
    return (
        f"Bulk density measured in {known:.0%} of the layers; else Manrique and Jones "
        f"1991, where measured: bias {skill['bias']:+.3f}, RMSE {skill['rmse']:.3f} "
        f"(sd {skill['sd']:.3f}) g cm-3, {skill['rows']:.0f} layers.",
        "Measured bulk density is no feature, because it is a factor of the carbon "
        "density that is to be predicted. Coarse fragments are not subtracted, because "
        "half of the layers do not give them.",
        "Rain is assumed to peak in the warm season; the mean temperature is a proxy "
        "from the extremes.",
    )
