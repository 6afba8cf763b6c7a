"""The small study that the harnesses attack: uptake of carbon, one latent, one constant."""

from pathlib import Path

import numpy as np
import pandas as pd

from discovery.config.file import load_config
from discovery.config.starter import write_starter
from discovery.runs.workflow import run

QUICK = (
    "discovery.bootstrap=10",
    "encoder.hidden=[]",
    "train={epochs: 4, profile_points: 9, smooth: 0.001}",
    "truth={efficiency: efficiency}",
)
"""Settings that make a run short but leave no stage out."""


def record(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Carbon uptake with efficiency = 1 + 0.05 ta - 0.02 vpd and half = 6."""
    rng = np.random.default_rng(seed)
    ta, vpd = rng.uniform(0, 25, rows), rng.uniform(0, 30, rows)
    par = rng.uniform(0.5, 12, rows)
    efficiency = 1 + 0.05 * ta - 0.02 * vpd
    gpp = efficiency * par / (1 + par / 6) * (1 + 0.02 * rng.normal(size=rows))
    columns = {"ta": ta, "vpd": vpd, "par": par, "gpp": gpp, "efficiency": efficiency}
    return pd.DataFrame(columns)


def write_study(folder: Path, rows: int = 300) -> Path:
    """Write CONFIG.yaml, my_process.py, data.csv and grid.nc; return the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    config = write_starter(folder, process_model=True)[0]
    # two plots, for a sweep
    plots = np.where(np.arange(rows) % 2, "north", "south")
    record(rows).assign(plot=plots).to_csv(folder / "data.csv", index=False)
    cells = [range(3), range(4)]
    index = pd.MultiIndex.from_product(cells, names=["lat", "lon"])
    grid = record(12, seed=1)[["ta", "vpd", "par"]].set_index(index).to_xarray()
    grid.to_netcdf(folder / "grid.nc", engine="h5netcdf")
    return config


def make_run(folder: Path) -> Path:
    """Write the study and discover it; return the run folder."""
    return run(load_config(write_study(folder), QUICK), quiet=True)


def options() -> list[str]:
    """Return the quick settings as options of the command line."""
    return [word for change in QUICK for word in ("--set", change)]
