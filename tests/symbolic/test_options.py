"""One record of options: checked when made, the same list on every way in."""

import inspect
import subprocess
import sys

import pytest

from discovery.config.settings import DiscoverySettings
from discovery.estimator import ScIReNRegressor
from discovery.runs.explain import CHANGEABLE
from sciren.errors import ConfigError
from symbolic.options import (
    SymbolicOptions,
    check_edges,
    check_symbols,
    hidden_name,
    options_of,
)

FEATURES = ["sw_pot", "ta", "vpd"]
FIELDS = set(SymbolicOptions.model_fields)
OLD_KEYWORDS = {
    "families": None, "pins": None, "forbid": None, "refuse_above": 0.01,
    "search_rows": 8000, "model_selection": "bic", "complexity": None, "shapes": None,
    "unit_problems": "warn", "unit_mode": "free", "compose": None,
    "domain_margin": 0.02, "threshold": 0.03, "bootstrap": 200,
}  # fmt: skip
"""Keywords of `symbolify` and `discover` with the defaults that they always had."""

TRAINED = {"members", "baselines"}
"""What the configuration trains besides; no option about equations."""


# -- one list on every way in -------------------------------------------------------------
def test_configuration_explain_and_estimator_set_the_same_list():
    assert set(DiscoverySettings.model_fields) == FIELDS | TRAINED
    assert set(CHANGEABLE) == FIELDS
    shown = inspect.signature(ScIReNRegressor).parameters
    assert set(shown) >= FIELDS
    assert {shown[name].default for name in FIELDS} == {None}
    assert set(ScIReNRegressor().get_params()) >= FIELDS


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_says_what_it_is(name):
    assert SymbolicOptions.model_fields[name].description


def test_the_old_keywords_keep_their_defaults():
    assert options_of(None, OLD_KEYWORDS) == SymbolicOptions()
    assert set(OLD_KEYWORDS) <= FIELDS


def test_what_the_configuration_decides_arrives_as_options():
    settings = DiscoverySettings.model_validate(
        {"pins": {"ta": "exp"}, "refuse_above": 0.1, "members": 3}
    )
    assert settings.options.given() == {"pins": {"ta": "exp"}, "refuse_above": 0.1}


def test_making_options_loads_no_sympy():
    code = "import sys; from symbolic.options import SymbolicOptions as S; S(compose=1)"
    check = "assert not {'sympy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)


def test_an_estimator_hands_its_keywords_on_and_refuses_others():
    model = ScIReNRegressor(bootstrap=0, families=["exp"], domain_margin=0.1)
    assert model.get_params()["domain_margin"] == 0.1
    with pytest.raises(TypeError, match=r"no parameter 'familes'.*families"):
        ScIReNRegressor(familes=["exp"])


# -- made and changed -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"refuse_abov": 0.1}, "'refuse_abov' does not exist.*refuse_above"),
        ({"refuse_above": -1}, "'refuse_above' is -1.*variance above which"),
        (
            {"shapes": {"ta": "rising"}},
            "'shapes.ta' is 'rising'; use one of increasing",
        ),
        ({"model_selection": "simple"}, "model_selection"),
        ({"families": []}, "'families' is \\[\\]: give at least one"),
        ({"unit_mode": "none"}, "use one of free, dimensionless"),
        ({"search_rows": 3}, "search_rows"),
    ],
)
def test_values_that_an_option_cannot_have_are_refused_at_once(values, message):
    with pytest.raises(ConfigError, match=message):
        SymbolicOptions(**values)


def test_options_are_frozen_and_changed_by_making_others():
    options = SymbolicOptions(pins={"ta": "exp"})
    with pytest.raises(ValueError, match="frozen"):
        options.compose = 3.0  # type: ignore[misc]
    other = options.changed(compose=0)
    assert other.given() == {"pins": {"ta": "exp"}, "compose": 0.0}
    assert options.compose == 60.0


def test_keywords_go_before_options_and_none_changes_nothing():
    options = SymbolicOptions(compose=5.0, threshold=0.1)
    assert options_of(options, {"compose": 0, "threshold": None}).given() == {
        "compose": 0.0,
        "threshold": 0.1,
    }
    assert options_of({"compose": 5.0}, {}).compose == 5.0
    assert options_of(["exp"], {}).families == ("exp",)


# -- edges by name --------------------------------------------------------------------------
def test_a_pin_of_one_edge_goes_before_that_of_its_feature():
    options = SymbolicOptions(pins={"ta": "exp", "ta -> rb": "linear"})
    assert options.pinned("ta", "rb") == "linear"
    assert options.pinned("ta", "alpha") == "exp"
    assert options.pinned("vpd", "rb") is None


def test_bans_of_feature_latent_and_edge_add_up():
    ban = {"ta": ("exp",), "rb": ("log",), "ta -> rb": ("abs",), "vpd": ("linear",)}
    options = SymbolicOptions(forbid=ban)
    assert set(options.forbidden("ta", "rb")) == {"exp", "log", "abs"}
    assert options.forbidden("ta", "alpha") == ("exp",)
    assert options.forbidden("sw_pot", "alpha") == ()


def test_a_pin_of_a_latent_is_one_of_all_its_edges_from_features():
    options = SymbolicOptions(pins={"rb": "linear", "ta": "exp"})
    check_edges(options, FEATURES, {"rb": 1, "alpha": 0})
    assert options.pinned("vpd", "rb") == "linear"
    assert options.pinned("ta", "rb") == "exp"
    assert options.pinned("vpd", "alpha") is None
    assert options.pinned("h1_rb", "rb") is None


def test_an_edge_is_the_users_where_it_is_pinned_banned_or_shaped():
    options = SymbolicOptions(
        pins={"ta": "exp"},
        forbid={"vpd -> rb": ("log",)},
        shapes={"sw_pot -> rb": "positive"},
    )
    assert options.by_user("ta", "rb")
    assert options.by_user("vpd", "rb")
    assert options.by_user("sw_pot", "rb")
    assert not options.by_user("vpd", "alpha")


def test_the_constant_is_always_allowed():
    allowed = SymbolicOptions(families=["exp", "linear"]).allowed_families
    assert allowed == ("constant", "exp", "linear")


@pytest.mark.parametrize("count", [1, None])
def test_pins_and_bans_of_known_places_are_accepted(count):
    pins = {"ta": "exp", "ta -> rb": "exp", "h1_rb": "abs", "h1_rb -> rb": "abs"}
    bans = {"rb": ("log",), "vpd": ("log",), "h1_rb": ("log",)}
    options = SymbolicOptions(pins=pins, forbid=bans)
    check_edges(options, FEATURES, {"rb": count, "alpha": 0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pins": {"tta": "exp"}}, "'discovery.pins': 'tta' is no edge.*ta"),
        ({"pins": {"rc": "exp"}}, "'discovery.pins': 'rc' is no edge"),
        ({"pins": {"ta -> gpp": "exp"}}, "'ta -> gpp' is no edge.*ta -> rb"),
        ({"pins": {"h2_rb": "exp"}}, "'h2_rb' is no edge.*h1_rb"),
        ({"pins": {"ta": "epx"}}, "'discovery.pins.ta': family 'epx'.*exp"),
        ({"forbid": {"swpot": ("exp",)}}, "'discovery.forbid': 'swpot'.*sw_pot"),
        ({"forbid": {"ta": ("epx",)}}, "'discovery.forbid.ta': family 'epx'"),
        ({"shapes": {"tta": "positive"}}, "'discovery.shapes': 'tta' is no edge"),
        ({"families": ["quadrtic"]}, "'discovery.families'.*quadratic"),
        ({"pins": {"h1_rb": "constant"}}, "an outer function is one of linear, abs"),
    ],
)
def test_a_place_that_does_not_exist_is_named_with_its_neighbours(values, message):
    with pytest.raises(ConfigError, match=message):
        check_edges(SymbolicOptions(**values), FEATURES, {"rb": 1})


def test_hidden_nodes_count_from_one():
    assert hidden_name(0, "rb") == "h1_rb"


NAMES = ("sw_pot", "ta", "rb")


@pytest.mark.parametrize("symbol", ["S_0", r"\theta_{\mathrm{s}}", r"T^{*}", r"A\%"])
def test_mathematics_is_taken_as_a_symbol(symbol):
    check_symbols(SymbolicOptions(symbols={"sw_pot": symbol}), NAMES)


@pytest.mark.parametrize(
    ("symbols", "said"),
    [
        ({"sw_pott": "S"}, "symbols.sw_pott.*no column.*sw_pot"),
        ({"ta": ""}, "no LaTeX"),
        ({"ta": "5"}, "no LaTeX"),
        ({"ta": "$T$"}, "without dollar signs"),
        ({"ta": "T_{a"}, "every brace closed"),
        ({"ta": "T}a{"}, "every brace closed"),
        ({"ta": "T % comment"}, "no LaTeX"),
        ({"ta": "T\\"}, "no LaTeX"),
        ({"ta": "T", "rb": "T"}, "'ta' is printed as T already"),
    ],
)
def test_symbols_that_cannot_be_printed_are_refused(symbols, said):
    with pytest.raises(ConfigError, match=said):
        check_symbols(SymbolicOptions(symbols=symbols), NAMES)
