"""Evaporation from energy, dry air and conductances."""

from typing import Any

from sciren.decoders.physical_constants import DAY
from sciren.decoders.process import process_model
from sciren.functions import exp, maximum
from sciren.parameters import Forcing, Parameter
from sciren.processes.light_use import ramp
from sciren.processes.temperature import kelvin

HEAT_OF_AIR = 1004.834
"""J kg-1 K-1, at constant pressure."""

ENERGY = [
    Forcing("rn", -200, 1000, "W m-2", "net radiation"),
    Forcing("g", -200, 400, "W m-2", "heat flux into the ground"),
    Forcing("ta", -30, 50, "degC", "air temperature"),
]
PRESSURE = Forcing("pressure", 40, 106, "kPa", "air pressure")
DEFICIT = Forcing("vpd", 0, 8, "kPa", "vapour pressure deficit")
WATER = {"le": "W m-2", "et": "mm d-1"}


def heat_of_vaporisation(ta: Any) -> Any:
    """Return the heat that evaporates a kilogram of water, J kg-1."""
    return (2.501 - 0.00237 * ta) * 1e6


def psychrometric(ta: Any, pressure: Any) -> Any:
    """Return the psychrometric constant, kPa K-1."""
    # cp P / (epsilon lambda), with epsilon = 0.622 the molar mass of water over that of
    # air.
    return HEAT_OF_AIR * pressure / (0.622 * heat_of_vaporisation(ta))


def saturation_slope(ta: Any) -> Any:
    """Return the slope of the saturation pressure of water, kPa K-1 (Sonntag 1990)."""
    saturation = 0.6112 * exp(17.62 * ta / (243.12 + ta))
    return saturation * 17.62 * 243.12 / (243.12 + ta) ** 2


def _fluxes(latent_heat: Any, ta: Any) -> dict[str, Any]:
    # W m-2 over J kg-1 is kg m-2 s-1, and a kilogram of water on a square metre is a
    # millimetre.
    return {"le": latent_heat, "et": DAY * latent_heat / heat_of_vaporisation(ta)}


@process_model(
    parameters=[
        Parameter("gs", 1e-4, 0.1, "m s-1", "conductance of the surface", start=0.01),
        Parameter("ga", 5e-3, 0.2, "m s-1", "conductance of the air", "constant", 0.03),
    ],
    forcings=[*ENERGY, DEFICIT, PRESSURE],
    targets=["le", "et"],
    target_units=WATER,
)
def penman_monteith(p: Any, f: Any) -> dict[str, Any]:
    """Latent heat of a surface that holds water back.

        le = (D (rn - g) + rho cp vpd ga)/(D + c (1 + ga/gs)),  et = 86400 le/lambda

    D slope of the saturation pressure, c psychrometric constant, rho = pressure/(0.287 T)
    density of air, lambda heat of vaporisation. Molar conductances times R T/pressure
    are in m s-1.
    Limits: le -> 0 for gs -> 0; vpd > 0 raises, c (1 + ga/gs) lowers le.
    Identifiability: gs has no effect where ga << gs or the air is moist.
    Reference: Monteith 1965, Symposia of the Society for Experimental Biology 19, 205-234.
    """
    slope, constant = saturation_slope(f.ta), psychrometric(f.ta, f.pressure)
    # Dry air, kg m-3: kPa to Pa over 287 J kg-1 K-1 times T.
    density = 1000 * f.pressure / (287.0586 * kelvin(f.ta))
    drying = density * HEAT_OF_AIR * f.vpd * p.ga
    latent_heat = slope * (f.rn - f.g) + drying
    return _fluxes(latent_heat / (slope + constant * (1 + p.ga / p.gs)), f.ta)


@process_model(
    parameters=[Parameter("alpha", 0.2, 1.6, "1", "over equilibrium", start=1.26)],
    forcings=[*ENERGY, PRESSURE],
    targets=["le", "et"],
    target_units=WATER,
)
def priestley_taylor(p: Any, f: Any) -> dict[str, Any]:
    """Latent heat from energy alone.

        le = alpha D/(D + c) (rn - g),  et = 86400 le/lambda

    D slope of the saturation pressure, c psychrometric constant.
    Limits: alpha is 1.26 for wet surfaces; le < alpha (rn - g).
    Identifiability: alpha absorbs a bias of rn and an energy balance that is not closed.
    Reference: Priestley & Taylor 1972, Monthly Weather Review 100, 81-92.
    """
    slope, constant = saturation_slope(f.ta), psychrometric(f.ta, f.pressure)
    return _fluxes(p.alpha * slope / (slope + constant) * (f.rn - f.g), f.ta)


@process_model(
    parameters=[
        Parameter("rsmin", 20, 500, "s m-1", "lowest resistance of a leaf", start=100),
        Parameter("rgl", 20, 200, "W m-2", "response to light", "constant", 30),
        Parameter("hs", 20, 80, "1", "response to dry air", "constant", 42),
        Parameter("topt", 10, 35, "degC", "best temperature", "constant", 25),
        Parameter(
            "wilting", 0.02, 0.3, "1", "water content without flux", "constant", 0.1
        ),
        Parameter(
            "available", 0.05, 0.4, "1", "range of water limitation", "constant", 0.25
        ),
        Parameter(
            "rsmax", unit="s m-1", meaning="of closed stomata", kind="fixed", start=5000
        ),
    ],
    forcings=[
        Forcing("rg", 0, 1400, "W m-2", "global radiation"),
        Forcing("lai", 0.1, 10, "1", "leaf area index, m2 m-2"),
        Forcing("ta", -10, 50, "degC", "air temperature"),
        Forcing("dq", 0, 0.03, "1", "deficit of specific humidity, kg kg-1"),
        Forcing("theta", 0, 0.65, "1", "water content of the soil, cm3 cm-3"),
    ],
    targets=["gs"],
    target_units={"gs": "m s-1"},
)
def jarvis_conductance(p: Any, f: Any) -> Any:
    """Conductance of a canopy as a product of factors for light, heat, air and soil.

        gs = lai f1 f2 f3 f4/rsmin
        f1 = (F + rsmin/rsmax)/(1 + F),  F = 0.55 2 rg/(rgl lai)
        f2 = 1 - 0.0016 (topt - ta)^2,  f3 = 1/(1 + hs dq)
        f4 = (theta - wilting)/available between 0 and 1

    f2 and f4 are at least 1e-4, f3 at least 0.01, so that gs never vanishes.
    Limits: rises with light; largest at topt.
    Identifiability: the factors only jointly, so fix topt and rsmax; rsmin and lai as a
    ratio only.
    Reference: Jarvis 1976; Noilhan & Planton 1989; Chen et al. 1996, Journal of
    Geophysical Research 101, 7251-7268.
    """
    # 0.55 of global radiation is photosynthetic, 2 is the form of Noilhan and Planton.
    light = 0.55 * 2 * f.rg / (p.rgl * f.lai)
    f1 = maximum((light + p.rsmin / p.rsmax) / (1 + light), 1e-4)
    f2 = maximum(1 - 0.0016 * (p.topt - f.ta) ** 2, 1e-4)
    f3 = maximum(1 / (1 + p.hs * f.dq), 0.01)
    f4 = maximum(ramp(f.theta, p.wilting, p.wilting + p.available), 1e-4)
    return f.lai * f1 * f2 * f3 * f4 / p.rsmin


@process_model(
    parameters=[Parameter("kc", 0.1, 1.4, "1", "crop factor", start=1)],
    forcings=[
        Forcing("tmax", -30, 55, "degC", "highest temperature of the day"),
        Forcing("tmin", -40, 40, "degC", "lowest temperature of the day"),
        Forcing("ea", 0, 6, "kPa", "vapour pressure"),
        Forcing("rn", -5, 35, "MJ m-2 d-1", "net radiation"),
        Forcing("g", -5, 10, "MJ m-2 d-1", "heat flux into the ground"),
        Forcing("u2", 0, 20, "m s-1", "wind at 2 m"),
        Forcing("z", -400, 5000, "m", "elevation"),
    ],
    targets=["et"],
    target_units={"et": "mm d-1"},
)
def fao56(p: Any, f: Any) -> Any:
    """Evaporation of a crop, kc times that of short grass.

        et = kc (0.408 D (rn - g) + c 900/(T + 273) u2 (es - ea))/(D + c (1 + 0.34 u2))

    T mean of tmin and tmax, es mean of their saturation pressures, D slope of the
    saturation pressure at T, c = 0.000665 P, P = 101.3 ((293 - 0.0065 z)/293)^5.26 kPa.
    Limits: energy term alone without wind.
    Identifiability: kc only.
    Reference: Allen et al. 1998, FAO Irrigation and Drainage Paper 56.
    """
    ta = (f.tmax + f.tmin) / 2
    # The mean of both pressures: that of the mean temperature is lower (convexity).
    saturation = (_saturation_fao(f.tmax) + _saturation_fao(f.tmin)) / 2
    # 4098 = 17.27 * 237.3: the derivative of `_saturation_fao`.
    slope = 4098 * _saturation_fao(ta) / (ta + 237.3) ** 2
    pressure = 101.3 * ((293 - 0.0065 * f.z) / 293) ** 5.26
    # FAO 56 fixes the heat of vaporisation at 2.45 MJ kg-1: here, and as 0.408 = 1/2.45
    # below, where MJ m-2 d-1 become mm d-1.
    constant = 0.665e-3 * pressure
    wind = constant * 900 / (ta + 273) * f.u2 * (saturation - f.ea)
    energy = 0.408 * slope * (f.rn - f.g)
    return p.kc * (energy + wind) / (slope + constant * (1 + 0.34 * f.u2))


def _saturation_fao(ta: Any) -> Any:
    """Saturation pressure, kPa, with the constants of FAO 56."""
    return 0.6108 * exp(17.27 * ta / (ta + 237.3))
