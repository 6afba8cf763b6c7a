"""Forcing of the soil carbon model from the climate columns that soil data sets have.

One recipe, each piece with its source; `ClimateRecipe` holds its numbers.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.datasets.climate_checks import check_columns
from sciren.datasets.climate_recipe import ClimateRecipe
from sciren.datasets.climate_site import Site
from sciren.decoders.physical_constants import MONTHS

if TYPE_CHECKING:
    import pandas as pd

    from sciren.decoders.clm5 import CLM5Forcing


def _site(columns: dict[str, Any], recipe: ClimateRecipe | None) -> Site:
    return Site(check_columns(columns), recipe or ClimateRecipe())


def forcing_from_climate(
    mat: Any,
    amplitude: Any,
    precipitation: Any,
    latitude: Any,
    *,
    pet: Any = None,
    npp: Any = None,
    rain_swing: Any = None,
    woody: Any = None,
    waterlogged: Any = None,
    bedrock_depth: Any = None,
    recipe: ClimateRecipe | None = None,
) -> "CLM5Forcing":
    """Make the forcing of the soil carbon model from climate columns (loads torch).

    NPP by the Miami model, all of it falling as debris and litter; soil temperature as a
    wave that fades with depth; the water scalar of CLM5 from a monthly bucket between
    precipitation and potential evaporation (Oudin); oxygen short where it is
    waterlogged; one nitrogen scalar; thaw after Stefan; no bedrock unless given.

    Args:
        mat: (n,) mean annual air temperature, degC, -60 to 45.
        amplitude: (n,) half the yearly range of monthly means, K, 0 to 40; where no
            column gives it, `amplitude_from_latitude`.
        precipitation: (n,) mm yr-1, 0 to 15000.
        latitude: (n,) degrees north.
        pet: (n,) potential evaporation, mm yr-1; default after Oudin et al. 2005.
        npp: (n,) gC m-2 yr-1; default `miami_npp`.
        rain_swing: (n,) -1 to 1, (wettest - driest) / (wettest + driest) month, negative
            where the cold season is wet; default 0.
        woody: (n,) share of trees, 0 to 1; default from precipitation over PET.
        waterlogged: (n,) share without air, 0 to 1; default 0.
        bedrock_depth: (n,) m, nan where unknown; default none in the column.
        recipe: the numbers and their sources.
    Raises:
        ShapeError: columns differ in length.
        DataError: a value is missing or impossible (kelvin for degC, negative
            precipitation, centimetres for metres); names site and column.
    """
    columns = {
        "mat": mat, "amplitude": amplitude, "precipitation": precipitation,
        "latitude": latitude, "pet": pet, "npp": npp, "rain_swing": rain_swing,
        "woody": woody, "waterlogged": waterlogged, "bedrock_depth": bedrock_depth,
    }  # fmt: skip
    return _forcing(_site(columns, recipe))


def _forcing(site: Site) -> "CLM5Forcing":
    """Return what the model needs of sites whose columns were checked."""
    from sciren.decoders.clm5 import CLM5Forcing
    from sciren.decoders.clm5.geometry import INTERFACES, LAYERS, NODES

    depth = np.array(NODES[:LAYERS])
    shape = (len(site), LAYERS, MONTHS)
    # One climate, repeated: this year's thaw is last year's.
    thaw = np.repeat(site.thaw[:, None], MONTHS, axis=1)
    return CLM5Forcing(
        **site.inputs(),
        altmax_lastyear=thaw,
        altmax_current=thaw,
        nbedrock=np.repeat(site.bedrock(INTERFACES)[:, None], MONTHS, axis=1),
        o_scalar=np.broadcast_to(site.oxygen(depth)[:, :, None], shape).copy(),
        n_scalar=np.full(shape, site.recipe.nitrogen),
        soil_temperature=site.temperature(depth),
        w_scalar=site.water_scalar(depth),
    )


def climate_summary(
    mat: Any,
    amplitude: Any,
    precipitation: Any,
    latitude: Any,
    *,
    recipe: ClimateRecipe | None = None,
    **more: Any,
) -> "pd.DataFrame":
    """Return the yearly quantities behind the forcing, one row a site.

    Args:
        mat, amplitude, precipitation, latitude, recipe: as `forcing_from_climate`.
        more: its other columns.
    Returns:
        Columns npp (gC m-2 yr-1), vegetation_carbon (gC m-2), pet (mm yr-1), wetness (P
        over PET), woody, soil_mean (degC), soil_amplitude (K), thaw_depth (m), water
        (mean water scalar at 0.1 m).
    """
    import pandas as pd

    columns = {"mat": mat, "amplitude": amplitude, "precipitation": precipitation}
    site = _site(columns | {"latitude": latitude} | more, recipe)
    # Twelve monthly values make the year.
    pet, woody = site.pet.sum(1), site.woody
    bare, wooded = site.recipe.accumulation
    return pd.DataFrame(
        {
            "npp": site.npp,
            "vegetation_carbon": site.npp * (bare + (wooded - bare) * woody),
            "pet": pet,
            "wetness": site.columns["precipitation"] / np.maximum(pet, 1.0),
            "woody": woody,
            "soil_mean": site.soil_mean,
            "soil_amplitude": site.soil_amplitude,
            "thaw_depth": site.thaw,
            "water": site.water_scalar(np.array([0.1])).mean((1, 2)),
        }
    )
