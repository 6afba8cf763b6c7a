"""Potential evaporation, a monthly bucket of soil water, and the water scalar of CLM5."""

import numpy as np

from sciren.decoders.physical_constants import FREEZING, MONTHS

Array = np.ndarray

DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)
MIDDLE = np.cumsum(DAYS) - DAYS / 2  # day of the year
SOLAR = 0.0820  # solar constant of FAO paper 56, MJ m-2 min-1
VAPOUR = 2.45  # latent heat at 20 degrees C, FAO paper 56, MJ kg-1
DRIEST, WETTEST = -2.0, -0.002  # MPa; minpsi_hr, maxpsi_hr of the CLM5 parameter file
WILTING, FIELD = -1.5, -0.033  # MPa, wilting point and field capacity (1/3 bar)
ICE = 333.7  # MPa K-1 times K: potential of water beside ice per relative frost
_ROUNDS = 30  # years until the bucket repeats itself; a full one is dry after a few


def extraterrestrial_radiation(latitude: Array) -> Array:
    """Daily radiation above the atmosphere in each month (n, 12), MJ m-2 day-1.

    Args:
        latitude: (n,) degrees north.
    Reference: Allen et al. 1998, FAO Irrigation and Drainage Paper 56, equations 21-25.
    """
    phi = np.deg2rad(latitude)[:, None]
    angle = 2 * np.pi * MIDDLE / 365
    # Relative nearness of the sun, and its declination (equations 23 and 24).
    near = 1 + 0.033 * np.cos(angle)
    tilt = 0.409 * np.sin(angle - 1.39)
    # Clipped: beyond the polar circles the sun does not set, or does not rise.
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(tilt), -1, 1))
    # Integral of the sine of the sun's height from sunrise to sunset.
    high = sunset * np.sin(phi) * np.sin(tilt)
    high = high + np.cos(phi) * np.cos(tilt) * np.sin(sunset)
    return np.maximum(24 * 60 / np.pi * SOLAR * near * high, 0.0)


def potential_evaporation(air: Array, latitude: Array) -> Array:
    """Potential evaporation of each month (n, 12), mm.

        Ra / (lambda rho) (T + 5) / 100 where T > -5 degC, else 0

    Args:
        air: (n, 12) monthly mean temperature, degC.
        latitude: (n,) degrees north.
    Reference: Oudin et al. 2005, Journal of Hydrology 303, 290-306 (part 2).
    """
    daily = extraterrestrial_radiation(latitude) / VAPOUR
    return daily * np.maximum(air + 5, 0) / 100 * DAYS


def demand_met(rain: Array, pet: Array, capacity: float) -> Array:
    """Share of the potential evaporation that soil and rain supply (n, 12), 0 to 1.

    Wet months fill a bucket, dry ones empty it by exp(-(PET - P) / capacity), and what
    leaves it evaporates beside the rain; the year is repeated until it closes. The share
    stands for the relative wetness: the bucket itself stays empty where every month is
    dry, although each rain wets the soil for days.

    Args:
        rain, pet: (n, 12) mm a month.
        capacity: mm.
    Reference: Thornthwaite and Mather 1955, The Water Balance.
    """
    # Begun full: a bucket of wet places stays so, others forget it within a few years.
    store = np.full(len(rain), capacity)
    met = np.ones_like(rain)
    for _ in range(_ROUNDS):
        for month in range(MONTHS):
            gain = rain[:, month] - pet[:, month]
            # Water is held the harder the less there is, so it falls exponentially.
            dried = store * np.exp(np.minimum(gain, 0) / capacity)
            # What evaporates at most: the rain and what the bucket gives up.
            supply = rain[:, month] + store - dried
            demand = np.maximum(pet[:, month], 1e-9)
            met[:, month] = np.minimum(supply / demand, 1.0)
            store = np.where(gain > 0, np.minimum(store + gain, capacity), dried)
    # months without demand are neither wet nor dry by their own measure
    return np.where(pet > 0, met, np.minimum(store / capacity, 1.0)[:, None])


def with_depth(months: Array, depth: Array, fading: float) -> Array:
    """Spread a monthly value over depth (n, layers, 12): its seasons fade, exp(-z/fading)."""
    mean = months.mean(1)[:, None, None]
    swing = months[:, None, :] - mean
    return mean + swing * np.exp(-depth / fading)[:, None]


def water_scalar(wetness: Array, temperature: Array) -> Array:
    """Water scalar of CLM5 (n, layers, 12), 0.01 to 1.

        w = ln(psi_min / psi) / ln(psi_min / psi_max)

    with the potential log-linear in the available water between wilting point (-1.5 MPa)
    and field capacity (-0.033 MPa), and beside ice no higher than 333.7 (T - T_f) / T.

    Args:
        wetness: (n, layers, 12) available water, 0 to 1.
        temperature: (n, layers, 12) K.
    Reference: CLM5 technical note, section 2.21; psi_min and psi_max of its parameter file
        (minpsi_hr, maxpsi_hr). That the logarithm of the potential is linear in available
        water is an assumption of this recipe.
    """
    # Geometric between wilting point (wetness 0) and field capacity (wetness 1).
    suction = WILTING * (FIELD / WILTING) ** wetness
    frost = ICE * (temperature - FREEZING) / temperature
    suction = np.where(temperature < FREEZING, np.minimum(suction, frost), suction)
    scalar = np.log(DRIEST / suction) / np.log(DRIEST / WETTEST)
    return np.clip(scalar, 0.01, 1.0)


def century_scalar(supply: Array) -> Array:
    """Water factor of CENTURY, an alternative to CLM5's: 1 / (1 + 30 exp(-8.5 supply)).

    Args:
        supply: water over potential evaporation.
    Reference: moisture factor of the CENTURY model (Parton et al. 1993, Global
        Biogeochemical Cycles 7, 785, describe the model; the two numbers are those of
        versions of its program and could not be checked in print).
    """
    return 1 / (1 + 30 * np.exp(-8.5 * np.minimum(supply, 9.0)))
