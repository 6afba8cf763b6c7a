"""Every process model keeps the limits that its literature gives it."""

from types import SimpleNamespace

import numpy as np
import pytest

from sciren.processes import SHELF


def value(name, target=None, /, **given):
    """Evaluate in numpy: what is not given is where a parameter starts."""
    model = SHELF[name]
    p = {one.name: given.get(one.name, one.initial) for one in model.parameters}
    f = {n: np.asarray(given[n], dtype=float) for n in model.forcings}
    result = model(SimpleNamespace(**p), SimpleNamespace(**f))
    return np.asarray(result[target] if isinstance(result, dict) else result)


close = pytest.approx


class TestRespirationAndTemperature:
    def test_rates_are_their_own_at_the_reference_temperature(self):
        assert value("lloyd_taylor", rb=3, ta=15) == close(3)
        assert value("q10", rb=3, ta=15) == close(3)
        assert value("arrhenius", k25=3, ta=25) == close(3)
        assert value("arrhenius_peaked", k25=3, ta=25) == close(3)

    def test_the_sensitivity_of_lloyd_and_taylor_falls_with_temperature(self):
        ta = np.arange(-20, 41, 10.0)
        factors = value("lloyd_taylor", ta=ta[1:]) / value("lloyd_taylor", ta=ta[:-1])
        assert (np.diff(factors) < 0).all()

    def test_a_peaked_rate_is_largest_at_the_optimum_of_its_formula(self):
        ha, hd, ds = 65330, 2e5, 635
        optimum = hd / (ds - 8.314462618 * np.log(ha / (hd - ha))) - 273.15
        ta = optimum + np.array([-1, 0, 1.0])
        below, at, above = value("arrhenius_peaked", ha=ha, hd=hd, ds=ds, ta=ta)
        assert at > max(below, above)

    def test_soil_that_is_dry_or_full_of_water_does_not_respire(self):
        fluxes = value("damm", ts=20, theta=[0.0, 0.3, 1 - 0.80 / 2.52, 0.9])
        assert fluxes[[0, 2, 3]] == close(0, abs=1e-9)
        assert fluxes[1] > 10


class TestLight:
    def test_curvature_leads_from_the_rectangular_hyperbola_to_the_smaller_limit(self):
        light = np.linspace(0, 2000, 9)
        alike = {"alpha": 0.06, "light": light}
        flat = value("nonrectangular_hyperbola", pmax=30, theta=0, **alike)
        assert flat == close(value("rectangular_hyperbola", beta=30, **alike))
        sharp = value("nonrectangular_hyperbola", pmax=30, theta=1, **alike)
        assert sharp == close(np.minimum(0.06 * light, 30))

    def test_at_night_net_exchange_is_respiration(self):
        night = {"rg": 0.0, "ta": 8.0, "vpd": 20.0}
        assert value("nee_lasslop", "nee", **night) == value(
            "nee_lasslop", "reco", **night
        )
        day = {"rg": 500.0, "vpd": 20.0}
        uptake = value("light_response_vpd", **day)
        assert value("nee_lasslop", "gpp", ta=8.0, **day) == uptake

    def test_cold_nights_and_dry_air_end_uptake(self):
        mild = {"tmin": 15, "vpd": 500, "fapar": 0.8, "par": 9}
        assert value("mod17", **mild) == close(1e-3 * 0.8 * 9)
        assert value("mod17", **mild | {"tmin": -9}) == 0
        assert value("mod17", **mild | {"vpd": 4100}) == 0

    def test_the_pmodel_closes_stomata_in_dry_air_only(self):
        weather = {
            "ta": 20,
            "co2": 400,
            "pressure": 101325,
            "fapar": 1,
            "ppfd": 40,
            "viscosity": 1.125,
        }
        chi = value("pmodel", "chi", vpd=[1, 500, 5000], **weather)
        assert (np.diff(chi) < 0).all()
        assert chi[0] == close(1, abs=0.02)

    def test_a_canopy_without_leaves_takes_up_nothing(self):
        for target in ("fapar", "apar", "gpp"):
            assert value("beer_lambert", target, lai=0, par=1000) == close(0)
        assert value("beer_lambert", "fapar", lai=50, par=1000) == close(1)


class TestLeaves:
    def test_without_photorespiration_left_only_respiration_remains(self):
        assert value("fvcb", ci=42.75, ta=25, ppfd=1500, rd25=0.9) == close(-0.9)
        assert value("fvcb", ci=300, ta=25, ppfd=0, rd25=0.9) == close(-0.9)

    def test_ficks_law_holds_in_the_coupled_leaf(self):
        leaf = {"g1": 3, "ca": 400, "vpd": 1.2, "ta": 22, "ppfd": 900}
        a_net, gs = (value("fvcb_medlyn_coupled", n, **leaf) for n in ("a_net", "gs"))
        ci = 400 * 3 / (3 + np.sqrt(1.2))
        assert gs * (400 - ci) / 1.6 == close(a_net)

    def test_conductance_falls_to_its_rest_in_the_dark_and_in_dry_air(self):
        assert value("medlyn", a_net=-2, ca=400, vpd=1) == 0.005
        assert value("ball_berry", a_net=10, cs=400, hs=0) == 0.01
        assert value("leuning", a_net=10, cs=400, vpd=1e9) == close(0.01, rel=1e-3)
        wet, dry = value("medlyn", a_net=10, ca=400, vpd=[0.01, 4])
        assert wet == value("medlyn", a_net=10, ca=400, vpd=0.05)
        assert dry < wet


class TestWater:
    def test_closed_surfaces_do_not_evaporate(self):
        air = {"rn": 400, "g": 0, "ta": 20, "vpd": 2, "pressure": 100}
        assert value("penman_monteith", "le", gs=1e-12, **air) == close(0, abs=1e-3)
        day = {"rn": 400, "g": 0, "ta": 20, "pressure": 100}
        heat = (2.501 - 0.00237 * 20) * 1e6
        le, et = (value("priestley_taylor", n, **day) for n in ("le", "et"))
        assert et == close(86400 * le / heat)

    def test_jarvis_is_largest_at_its_best_temperature_and_never_zero(self):
        leaf = {"rg": 600, "lai": 3, "dq": 0.005, "theta": 0.3}
        below, at, above = value("jarvis_conductance", ta=[20, 25, 30], **leaf)
        assert at > max(below, above)
        assert value("jarvis_conductance", ta=-10, **leaf | {"theta": 0}) > 0

    @pytest.mark.parametrize("name", ["budyko", "budyko_turc_pike", "budyko_zhang"])
    def test_evaporation_and_runoff_add_up(self, name):
        climate = {"p": [300, 800, 2000.0], "pet": [1500, 1000, 500.0]}
        e, q = (value(name, n, **climate) for n in ("e", "q"))
        assert e + q == close(np.array(climate["p"]))

    def test_budyko_lies_between_nothing_and_supply_or_demand(self):
        climate = {"p": 800.0, "pet": [400, 800, 1600.0]}
        assert value("budyko", "e", omega=1 + 1e-9, **climate) == close(0, abs=1e-4)
        least = np.minimum(800, climate["pet"])
        assert value("budyko", "e", omega=60, **climate) == close(least, rel=0.02)
        assert value("budyko_turc_pike", "e", n=60, **climate) == close(least, rel=0.02)

    def test_the_example_of_fao_comes_out(self):
        day = {
            "tmax": 21.5,
            "tmin": 12.3,
            "ea": 1.409,
            "rn": 13.28,
            "g": 0,
            "u2": 2.078,
            "z": 100,
        }
        assert value("fao56", **day) == close(3.9, abs=0.05)

    def test_a_wet_soil_is_saturated(self):
        theta, k = (value("van_genuchten", n, h=[10, 0, -1e-9]) for n in ("theta", "k"))
        assert theta == close(0.43)
        assert k == close(24.96, rel=1e-3)

    def test_a_river_below_a_discharge_recovers(self):
        water = {"d0": 1, "saturation": 9.09}
        start, end = value("streeter_phelps", t=[0, 500], **water)
        assert (start, end) == (close(8.09), close(9.09))
        assert value("manning", depth=0, width=5, slope=1e-3) == close(0, abs=1e-6)


class TestPools:
    def test_pools_begin_where_they_are_and_end_where_inputs_leave_again(self):
        one = value("first_order_pool", k=0.05, c0=4, i=0.3, t=[0, 1e3])
        assert one == close([4, 6], rel=1e-6)
        assert value("first_order_pool", k=1e-12, c0=4, i=0.3, t=10) == close(7)
        two = {"u1": 0.5, "u2": 0.1, "s1": 0.2, "s2": 2}
        assert value("two_pool", "x1", t=0, **two) == close(0.2)
        assert value("two_pool", "respiration", t=1e3, **two) == close(0.6)
        three = two | {"u3": 0.0, "s3": 5.0}
        assert value("three_pool", "respiration", t=1e4, **three) == close(0.6)

    def test_icbm_ends_at_its_steady_state(self):
        soil = {"i": 0.285, "y0": 0.3, "o0": 4, "t": 1e5, "h": 0.125, "r": 1}
        assert value("icbm", "y", **soil) == close(0.285 / 0.8)
        assert value("icbm", "o", **soil) == close(0.125 * 0.285 / 0.00605)

    def test_a_third_pool_that_is_apart_changes_nothing(self):
        stocks = {"u1": 0.5, "u2": 0.1, "s1": 0.2, "s2": 2, "t": 3.0}
        apart = stocks | {"u3": 0.0, "s3": 0.0, "a31": 0, "a32": 0, "a23": 0}
        for target in ("x1", "x2", "respiration"):
            assert value("three_pool", target, **apart) == close(
                value("two_pool", target, **stocks)
            )

    def test_decay_conserves_atoms_of_a_chain_that_ends(self):
        t = np.array([0, 1, 10.0])
        rest = [
            value("decay_chain", f"n{k}", l1=0.5, l2=0.2, l3=1e-12, t=t)
            for k in (1, 2, 3)
        ]
        assert sum(rest) == close(1000)


class TestKineticsAndGrowth:
    def test_half_saturation_is_half(self):
        assert value("michaelis_menten", vmax=10, km=5, s=5) == close(5)
        assert value("hill", vmax=10, k=5, s=5) == close(5)
        assert value("monod", mumax=0.5, ks=0.2, kd=0.02, s=0) == close(-0.02)
        assert value("michaelis_menten", s=-1) == 0

    def test_models_meet_where_their_literature_says(self):
        s = np.array([0.1, 1, 50.0])
        plain = value("michaelis_menten", vmax=10, km=5, s=s)
        assert value("hill", vmax=10, k=5, n=1, s=s) == close(plain)
        free = value("monod", mumax=0.5, ks=2, kd=0, s=s)
        assert value("haldane", mumax=0.5, ks=2, ki=1e12, s=s) == close(free)

    def test_haldane_is_largest_between_its_constants(self):
        best = np.sqrt(2 * 40)
        mu = value("haldane", mumax=0.5, ks=2, ki=40, s=best * np.array([0.9, 1, 1.1]))
        assert mu[1] == close(0.5 / (1 + 2 * np.sqrt(2 / 40)))
        assert mu[1] > max(mu[0], mu[2])

    @pytest.mark.parametrize("name", ["logistic", "gompertz", "theta_logistic"])
    def test_growth_leads_from_the_start_to_the_capacity(self, name):
        assert value(name, k=100, n0=5, t=[0, 400]) == close([5, 100], rel=1e-6)

    def test_theta_leads_from_gompertz_to_logistic(self):
        t = np.linspace(0, 20, 5)
        alike = {"k": 100, "n0": 5, "t": t}
        assert value("theta_logistic", r=0.4, theta=1, **alike) == close(
            value("logistic", r=0.4, **alike)
        )
        slow = value("theta_logistic", r=0.25 / 1e-5, theta=1e-5, **alike)
        assert slow == close(value("gompertz", c=0.25, **alike), rel=1e-3)

    def test_sorption_begins_at_nothing_and_has_a_capacity(self):
        assert value("langmuir", qmax=25, kl=0.3, c=[0, 1e9]) == close([0, 25])
        assert value("freundlich", c=0) == 0
        assert value("freundlich", kf=4, inv_n=1, c=7) == close(28)


class TestDrugs:
    @pytest.mark.parametrize("name", ["pk_one", "pk_two", "pk_three"])
    def test_the_area_under_the_curve_is_dose_over_clearance(self, name):
        t = np.concatenate([np.linspace(0, 1, 200), np.geomspace(1.01, 4000, 800)])
        conc = value(name, dose=np.full(len(t), 100.0), t=t, tinf=np.ones(len(t)))
        assert np.trapezoid(conc, t) == close(100 / 5, rel=1e-3)
        assert value(name, dose=100, t=0, tinf=0) == close(100 / 20)
        short, bolus = (value(name, dose=100, t=5, tinf=x) for x in (1e-6, 0))
        assert short == close(bolus, rel=1e-6)

    @pytest.mark.parametrize("name", ["pk_one_oral", "pk_two_oral", "pk_three_oral"])
    def test_what_is_swallowed_arrives_after_a_while(self, name):
        assert value(name, dose=100, t=0) == close(0, abs=1e-12)
        assert value(name, dose=100, t=2) > 0

    def test_tissue_without_exchange_changes_nothing(self):
        dose = {"dose": 100, "t": 6, "tinf": 1}
        one = value("pk_one", **dose)
        assert value("pk_two", q=1e-12, **dose) == close(one)
        assert value("pk_three", q=1e-12, q3=1e-12, **dose) == close(one)
        two = value("pk_two", **dose)
        assert value("pk_three", q3=1e-12, **dose) == close(two)


class TestLinks:
    def test_effects_multiply_under_the_log_link(self):
        one, other, both = (
            float(value("log_link", z=np.asarray(z))) for z in (0.3, -1.2, -0.9)
        )
        assert one * other == close(both)

    def test_odds_multiply_under_the_logit_link_and_ends_are_kept(self):
        share = value("logit_link", z=np.array([-800.0, -1, 0, 1, 800]))
        assert share[1] + share[3] == close(1)
        assert share[2] == close(0.5)
        assert ((share >= 0) & (share <= 1)).all()
