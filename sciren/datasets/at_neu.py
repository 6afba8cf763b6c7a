"""The original record of the respiration study: Neustift (AT-Neu), 2003-2011.

Reference: Reichstein et al. 2022, chapter on hybrid modelling; repository
bask0/q10hybrid. Its drivers are used, its respiration is simulated anew, as in the
ScIReN paper.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sciren.datasets.download import fetch_checked
from sciren.datasets.drivers import COLUMNS
from sciren.datasets.respiration import RespirationStudy, Setting, make_respiration
from sciren.errors import ColumnError, DataError, closest_names

if TYPE_CHECKING:
    import xarray as xr

NAME = "Synthetic4BookChap.nc"
URL = f"https://raw.githubusercontent.com/bask0/q10hybrid/HEAD/data/{NAME}"
BLOB = "bb8d228106b623852ffdfbbca970fa944acdd8f4"
"""Hash that git gives to the content of the file."""


def download_at_neu(
    folder: str | Path | None = None,
    *,
    url: str = URL,
    blob: str = BLOB,
    progress: bool = False,
) -> Path:
    """Return the NetCDF file of the original record, downloaded on first use.

    Args:
        folder: where it is kept; default the user's cache folder.
        url, blob: source and git blob hash.
        progress: whether to draw a bar on stderr.
    Raises:
        DownloadError: the file cannot be downloaded, or is not the expected one.
    """
    if folder is None:
        import pooch

        folder = pooch.os_cache("sciren")
    return fetch_checked(url, Path(folder) / NAME, blob, progress)


def fetch_at_neu(
    folder: str | Path | None = None,
    setting: Setting = "linear",
    seed: int = 0,
    noise: float = 0.1,
    *,
    url: str = URL,
    blob: str = BLOB,
) -> RespirationStudy:
    """Return the respiration study on the drivers of the original record.

    Radiation signals and measured air temperature come from the file, which is
    downloaded on first use; base respiration, Q10 and noise are those of
    `make_respiration`.

    Args:
        folder: where the file is kept; default the user's cache folder.
        setting, seed, noise: see `make_respiration`.
        url, blob: source and git blob hash.
    Raises:
        DownloadError: the file cannot be downloaded, or is not the expected one.
        DataError: it cannot be read.
        ConfigError: see `make_respiration`.
    """
    file = download_at_neu(folder, url=url, blob=blob)
    return make_respiration(setting, seed, noise=noise, drivers=read_record(file))


def read_record(file: Path) -> pd.DataFrame:
    """Return time, sw_pot, dsw_pot and ta of a NetCDF file with dimension time.

    Raises:
        DataError: it cannot be read, or a variable is missing.
    """
    import xarray as xr

    try:
        # NetCDF 3 begins with CDF, NetCDF 4 is HDF5: each has its reader.
        kind = "scipy" if file.read_bytes()[:3] == b"CDF" else "h5netcdf"
        with xr.open_dataset(file, engine=kind) as dataset:
            return _columns(file, dataset)
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{file}: cannot be read as NetCDF: {' '.join(str(error).split())[:200]}"
        ) from error


def _columns(file: Path, dataset: "xr.Dataset") -> pd.DataFrame:
    for name in COLUMNS:
        if name not in dataset.variables:
            hint = closest_names(name, map(str, dataset.variables))
            raise ColumnError(f"{file}: there is no variable {name!r}. {hint}")
    return pd.DataFrame({name: dataset[name].to_numpy().ravel() for name in COLUMNS})
