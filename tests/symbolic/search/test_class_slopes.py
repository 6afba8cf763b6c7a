"""A slope for each class: chosen where the data hold it, from the fit to every way out."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, Q10Respiration, ScIReN, TrainConfig, fit
from sciren.data import Table, split_random
from symbolic import SymbolicModel, edge_curves, symbolify, verify
from symbolic.printing.text import to_text
from symbolic.terms.nodes import Product

SLOPES = {"CRO": 0.0005, "DBF": 0.004, "ENF": 0.002}
CONFIG = TrainConfig(bootstrap=0, profiles=False, smooth_choices=(1e-2,))


def simulated(slopes, seed=2000, rows=400, bend=0.0):
    rng = np.random.default_rng(seed)
    veg = rng.choice(list(slopes), rows, p=[0.2, 0.3, 0.5])
    par, ta = rng.uniform(0, 500, rows), rng.uniform(-5, 30, rows)
    slope = np.array([slopes[name] for name in veg])
    rb = 1.0 + 0.2 * (veg == "DBF") + slope * par + bend * (par / 250 - 1) ** 2
    mean = rb * 1.5 ** ((ta - 15) / 10)
    reco = mean + 0.05 * mean.std() * rng.standard_normal(rows)
    return pd.DataFrame({"par": par, "veg": veg, "ta": ta, "reco": reco})


def equations_of(frame, **options):
    table = Table.from_frame(
        frame, ["par", "veg"], ["ta"], ["reco"],
        units={"par": "W m-2", "ta": "degC", "reco": "umol m-2 s-1"},
    )  # fmt: skip
    train, valid, _ = split_random(table, (0.7, 0.2, 0.1), seed=0)
    model = ScIReN(KANEncoder(2, 1), "auto", Q10Respiration())
    fit(model, train, valid, CONFIG)
    equations = symbolify(model, train, compose=0, **options)
    return equations, model, train, valid


FRAME = simulated(SLOPES)


@pytest.fixture(scope="module")
def slopes():
    found = equations_of(FRAME)
    verify(found[0], *found[1:])
    return found


def product_of(equations):
    (node,) = equations.structures[0].nodes
    assert isinstance(node, Product)
    return node


def test_slopes_that_differ_are_found_and_near_the_truth(slopes):
    equations = slopes[0]
    assert product_of(equations).of_classes
    table = equations.table.set_index("name")
    for name, slope in SLOPES.items():
        row = table.loc[f"par:veg[{name}]"]
        assert abs(row["value"] - slope) < 4 * row["error"]
        assert row["unit"] == "umol W-1 s-1"
    assert equations.verdict == "PASS"
    assert set(equations.edges["family"]) == {"classes", "linear", "product"}


def test_slopes_stand_in_cases_beside_the_feature(slopes):
    text = to_text(slopes[0].unconstrained["rb"], 3)
    assert "if veg = DBF" in text
    assert "otherwise})*(par - " in text


def test_a_class_that_training_had_not_gets_the_mean_slope(slopes):
    equations, _, train, _ = slopes
    ends = pd.DataFrame({"par": [100.0, 200.0], "veg": "savanna", "ta": 15.0})
    low, high = equations.unconstrained_values(ends)["rb"]
    shares = train.kinds["veg"].one_hot(train.features[:, 1].numpy()).mean(0)
    table = equations.table.set_index("name")["value"]
    mean = shares @ [table[f"par:veg[{name}]"] for name in SLOPES]
    assert (high - low) / 100 == pytest.approx(mean)


def test_every_way_out_gives_the_same_numbers(slopes, tmp_path):
    equations = slopes[0]
    frame = pd.concat([FRAME.head(20), FRAME.head(2).assign(veg="savanna")])
    rb = equations.latents(frame)["rb"].to_numpy()
    again = SymbolicModel.load(equations.save(tmp_path / "equations.json"))
    np.testing.assert_array_equal(again.latents(frame)["rb"], rb)
    np.testing.assert_allclose(
        equations.to_torch()
        .latents({n: frame[n] for n in ("par", "veg")})["rb"]
        .detach(),
        rb,
    )
    codes = frame["veg"].map({"CRO": 1.0, "DBF": 2.0, "ENF": 3.0}).fillna(0.0)
    space: dict = {}
    exec(compile(equations.to_code("python"), "equations", "exec"), space)
    value = space["rb"](frame["par"].to_numpy(), codes.to_numpy())
    np.testing.assert_allclose(value, rb)
    for language in ("c", "fortran", "julia", "r"):
        assert "1 = CRO, 2 = DBF, 3 = ENF" in equations.to_code(language)


def test_the_curve_of_the_feature_has_a_line_for_each_class(slopes):
    equations, model, train, _ = slopes
    curves = {one.source: one for one in edge_curves(model, train, equations)}
    lines = curves["par"].by_class
    rise = {
        name: np.ptp(line) / np.ptp(curves["par"].x) for name, line in lines.items()
    }
    table = equations.table.set_index("name")["value"]
    for name, slope in rise.items():
        assert slope == pytest.approx(abs(table[f"par:veg[{name}]"]), rel=1e-6)
    assert set(rise) == set(SLOPES)
    assert curves["veg"].formula is not None


def test_without_its_classes_a_product_is_a_line_again(slopes):
    structure = slopes[0].structures[0]
    names = [edge.source for edge in structure.all_edges]
    place = len(structure.edges) + names[len(structure.edges) :].index(1)
    plain = structure.with_edge(place, None, 0.0)
    assert not plain.nodes
    z = torch.linspace(-1, 1, 5).numpy()
    rows = np.column_stack((z, np.zeros(5)))
    np.testing.assert_allclose(plain.value(rows), structure.value(rows))


def test_equal_slopes_stay_one_slope():
    equations = equations_of(simulated(dict.fromkeys(SLOPES, 0.002)))[0]
    assert not equations.structures[0].nodes


@pytest.mark.slow
def test_departures_of_the_classes_stand_beside_a_bent_curve():
    equations = equations_of(simulated(SLOPES, bend=1.0, rows=1000))[0]
    node = product_of(equations)
    assert node.factors[0].anchored
    table = equations.table.set_index("name")
    gap = table.loc["par:veg[DBF]"]["value"] - table.loc["par:veg[CRO]"]["value"]
    assert gap == pytest.approx(SLOPES["DBF"] - SLOPES["CRO"], abs=4e-4)


@pytest.mark.parametrize(
    "options",
    [{"forbid": {"par": ["linear"]}}, {"pins": {"par": "linear"}}],
    ids=str,
)
def test_what_the_user_fixed_gets_no_slopes(options):
    equations = equations_of(FRAME, **options)[0]
    assert not equations.structures[0].nodes
