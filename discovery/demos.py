"""The main job on embedded data with a known truth: no download, no configuration."""

from pathlib import Path
from typing import Literal

from discovery.config.file import config_from_mapping
from discovery.config.settings import RunConfig
from discovery.runs.workflow import run

SOIL_ROWS = 400  # exact data tell closed forms apart on a few
SOIL_RESAMPLES = 0  # the data are exact, so that resampling would show no spread


def respiration_config(
    out: Path, setting: Literal["linear", "abs"] = "linear", seed: int = 0
) -> RunConfig:
    """Return the settings of the respiration demo; all three features are offered.

    Args:
        out: folder of the results.
        setting: form of the base respiration.
        seed: of the noise and of the starts.
    """
    dataset = {"name": "respiration", "settings": {"setting": setting, "seed": seed}}
    return config_from_mapping(
        {
            "data": {"dataset": dataset, "time": "time"},
            "features": ["sw_pot", "dsw_pot", "ta"],
            "decoder": "q10",
            "forcings": {"ta": "ta"},
            "targets": {"reco": "reco"},
            "truth": {"rb": "rb_true"},
            "split": {"kind": "column", "column": "part"},
            "seed": seed,
            "out": str(out),
        },
        "demo respiration",
    )


def demo_respiration(
    out: Path,
    setting: Literal["linear", "abs"] = "linear",
    seed: int = 0,
    *,
    overwrite: bool = False,
    quiet: bool = False,
) -> Path:
    """Discover base respiration and Q10 behind a simulated record; return the run."""
    return run(respiration_config(out, setting, seed), overwrite, quiet)


def soil_carbon_config(out: Path, seed: int = 0) -> RunConfig:
    """Return the settings of the soil carbon demo; all ten features are offered.

    Args:
        out: folder of the results.
        seed: of the sites.
    """
    from sciren.datasets.soil_carbon import PARAMETERS
    from sciren.datasets.soil_sites import FEATURES

    dataset = {"name": "soil-carbon", "settings": {"seed": seed}}
    return config_from_mapping(
        {
            "data": {"dataset": dataset, "groups": "site"},
            "features": list(FEATURES),
            "decoder": "clm5",
            "forcings": ["site", "depth"],
            "targets": ["soc"],
            "truth": {name: f"{name}_true" for name in PARAMETERS},
            "split": {"kind": "column", "column": "part"},
            "encoder": {"kind": "kan", "hidden": [], "grid": 8},
            "train": {"residual": "log"},
            "discovery": {
                "bootstrap": SOIL_RESAMPLES,
                "baselines": False,
                "search_rows": SOIL_ROWS,
            },
            "seed": seed,
            "out": str(out),
        },
        "demo soil-carbon",
    )


def demo_soil_carbon(
    out: Path, seed: int = 0, *, overwrite: bool = False, quiet: bool = False
) -> Path:
    """Discover four parameters of the soil carbon model at simulated sites."""
    return run(soil_carbon_config(out, seed), overwrite, quiet)
