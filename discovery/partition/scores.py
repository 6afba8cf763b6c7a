"""How well net exchange is predicted on days that nothing learned from."""

from typing import TYPE_CHECKING

import numpy as np

from discovery.partition.tower import Tower
from discovery.partition.windows import window_fluxes

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray


def scores_of(
    tower: Tower, predicted: Array, rows: Array
) -> tuple["pd.DataFrame", float]:
    """Return scores of equations, windows and constants, and e0 of the windows.

    Args:
        tower: its table;  predicted: net exchange (n,) by the equations.
        rows: positions of the half hours that count (turbulent, measured).
    """
    import pandas as pd

    frame = tower.frame
    counted = np.zeros(len(frame), dtype=bool)
    counted[rows] = True
    test = counted & (frame.split == "test").to_numpy()
    # All methods learn from the same rows and are scored on the same days.
    learn = counted & ~test
    reco, gpp, e0 = window_fluxes(frame, learn)
    # one window for the whole record: constant parameters
    whole = frame.assign(time=frame.time.iloc[0])
    constant_reco, constant_gpp, _ = window_fluxes(whole, learn)
    methods = {
        "equations": predicted,
        "constants in windows of 15 days": reco - gpp,
        "constants of the record": constant_reco - constant_gpp,
    }
    night = frame.night.to_numpy()
    nee = frame.nee.to_numpy()
    lines = [
        {"method": method, "part": part, **_score(nee[held], values[held])}
        for part, held in (("night", test & night), ("day", test & ~night))
        for method, values in methods.items()
    ]
    return pd.DataFrame(lines), e0


def _score(measured: Array, predicted: Array) -> dict[str, float]:
    error = measured - predicted
    spread = float(((measured - measured.mean()) ** 2).sum())
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1 - float((error**2).sum()) / spread,
        "n": len(measured),
    }
