"""The usual practice beside: constants that are fitted anew in every window."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray

WINDOW = 15
"""Days of a window, between the 7 of the night and the 14 of the day in REddyProc."""
FEWEST = 10
"""Half hours below which a window borrows the constants of the one before."""
SENSITIVITIES = np.linspace(50, 400, 36)
"""K; e0 that are tried, over the bounds of Lasslop et al. 2010."""


def window_fluxes(frame: "pd.DataFrame", learn: Array) -> tuple[Array, Array, float]:
    """Return respiration and uptake of all half hours, and e0.

    Respiration by Lloyd and Taylor: one e0 for the whole record, rb anew in each window;
    uptake by the light response with dry air: alpha, beta0 and k anew in each window.

    Args:
        frame: of a `Tower`.
        learn: (n,) bool: rows that may be learned from.
    Reference: Reichstein et al. 2005; Lasslop et al. 2010; Wutzler et al. 2018,
    Biogeosciences 15, 5015-5030.
    """
    nee, ta = frame.nee.to_numpy(), frame.ta.to_numpy()
    days = (frame.time - frame.time.iloc[0]).dt.days.to_numpy()
    windows = days // WINDOW
    measured = learn & np.isfinite(nee)
    night = measured & frame.night.to_numpy()
    # For a given e0 the bases follow in closed form, so that e0 is found by trying.
    fits = [_bases(windows, nee, _sensitive(ta, e0), night) for e0 in SENSITIVITIES]
    best = int(np.argmin([loss for _, loss in fits]))
    e0 = float(SENSITIVITIES[best])
    reco = fits[best][0][windows] * _sensitive(ta, e0)
    return reco, _uptake(frame, windows, reco - nee, measured), e0


def _sensitive(ta: Array, e0: float) -> Array:
    # Lloyd and Taylor 1994 with t_ref = 15 and t0 = -46.02 degrees C.
    return np.exp(e0 * (1 / 61.02 - 1 / (ta + 46.02)))


def _bases(
    windows: Array, nee: Array, shape: Array, rows: Array
) -> tuple[Array, float]:
    """Return rb of every window by least squares, and the squared error."""
    count = int(windows.max()) + 1
    # rb of a window = sum(nee f) / sum(f^2): least squares through the origin.
    product = np.bincount(windows[rows], nee[rows] * shape[rows], count)
    square = np.bincount(windows[rows], shape[rows] ** 2, count)
    enough = np.bincount(windows[rows], minlength=count) >= FEWEST
    bases = np.where(enough, product / np.maximum(square, 1e-12), np.nan)
    filled_windows = np.flatnonzero(enough)
    # Windows without enough nights lie between their neighbours; respiration is not
    # negative.
    filled = np.interp(
        np.arange(count), filled_windows, np.maximum(bases[filled_windows], 0.0)
    )
    return filled, float(((nee - filled[windows] * shape)[rows] ** 2).sum())


def _uptake(
    frame: "pd.DataFrame", windows: Array, gpp: Array, measured: Array
) -> Array:
    """Return uptake of all rows from the light response of their window."""
    from scipy.optimize import least_squares

    light = frame.rg.to_numpy()
    dryness = np.zeros(len(light))
    if "vpd" in frame.columns:
        # Uptake falls beyond 10 hPa of vapour pressure deficit (Lasslop et al. 2010).
        dryness = np.maximum(frame.vpd.to_numpy() - 10, 0)
    day = measured & ~frame.night.to_numpy()
    result = np.zeros(len(light))
    values: Any = np.array([0.05, 25.0, 0.05])
    low, high = [1e-3, 1.0, 0.0], [0.22, 250.0, 1.0]
    for window in np.unique(windows):
        here = windows == window
        rows = here & day
        if int(rows.sum()) >= FEWEST:
            # Each window starts from the one before; the solver wants a start inside
            # the bounds.
            inside = np.clip(values, np.array(low) + 1e-6, np.array(high) - 1e-6)
            values = least_squares(
                lambda v, rows=rows: _light(v, light[rows], dryness[rows]) - gpp[rows],
                inside,
                bounds=(low, high),
                x_scale=[0.05, 25.0, 0.05],
                max_nfev=50,
            ).x
        result[here] = _light(values, light[here], dryness[here])
    return result


def _light(values: Array, light: Array, dryness: Array) -> Array:
    alpha, beta0, k = values
    beta = beta0 * np.exp(-k * dryness)
    return alpha * beta * light / (alpha * light + beta)
