"""The main job on embedded data with a known truth: no download, no configuration."""

from pathlib import Path
from typing import Literal

from discovery.config import RunConfig
from discovery.config_file import config_from_mapping
from discovery.workflow import run


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
