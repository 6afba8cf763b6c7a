"""A closed form that leaves the band of its curve does not stand for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.decoders import IdentityDecoder
from sciren.inference.intervals.bands import Band
from symbolic import symbolify
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import extract
from symbolic.families.library import FAMILIES
from symbolic.options import SymbolicOptions
from symbolic.search.climb import Search
from symbolic.search.inside_bands import REASON, CurveBands, kept_inside
from symbolic.search.observations import observed, units_of
from symbolic.search.starting import fit_latent
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure


def trained(x, y):
    """Return a model of a curve and its rows."""
    frame = pd.DataFrame({"x": x, "y": y})
    table = Table.from_frame(frame, features=["x"], targets=["y"])
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    fit(model, table, table.take(np.arange(0, len(x), 5)), TrainConfig(seed=0))
    return model, table


@pytest.fixture(scope="module")
def bent():
    """A curve that several families describe: a model of it and its rows."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    return trained(x, np.exp(0.3 * x) + 0.6 * rng.normal(size=200))


def around(curve, table, width):
    """A band of half a width about a curve."""
    data = table.features.numpy()[:, 0]
    x = np.linspace(np.quantile(data, 0.01), np.quantile(data, 0.99), 60)
    y = curve(x) - curve(data).mean()
    return Band("x", "y", x, y, y - width, y + width, 2.9, 0.95, data)


def named(bent, **keywords):
    return symbolify(*bent, compose=0, **keywords)


def test_a_form_inside_its_band_stays(bent):
    wide = around(lambda x: np.exp(0.3 * x), bent[1], 0.5)
    assert named(bent, bands=[wide]).edges.family.tolist() == ["linear"]


def test_a_form_outside_gives_way_to_a_family_that_the_data_allow_inside(bent):
    pinned = named(bent, pins={"x": "quadratic"}).structures[0].edges[0]
    shift, scale = (float(v) for v in (bent[0].feature_shift, bent[0].feature_scale))
    narrow = around(lambda x: pinned.value((x - shift) / scale), bent[1], 0.02)
    (edge,) = named(bent, bands=[narrow]).edges.to_dict("records")
    assert edge["family"] in ("quadratic", "exp")
    assert edge["status"] == "closed"


def test_where_no_family_stays_inside_the_curve_stays_as_it_was_learned(bent):
    narrow = around(lambda x: np.sin(4 * x), bent[1], 0.05)
    found = named(bent, bands=[narrow])
    (edge,) = found.edges.to_dict("records")
    assert edge["status"] == "refused"
    assert edge["reason"] == REASON
    assert list(found.functions) == ["f_y_x"]


def test_where_the_observations_notice_no_curve_the_form_outside_stays():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, 60)
    straight = trained(x, 2 * x + 0.3 * rng.normal(size=60))
    narrow = around(lambda x: 2 * x + 0.2 * np.sin(9 * x), straight[1], 0.05)
    (edge,) = named(straight, bands=[narrow]).edges.to_dict("records")
    assert (edge["family"], edge["status"]) == ("linear", "closed")


def test_what_the_user_pinned_stands_outside_too(bent):
    narrow = around(lambda x: np.sin(4 * x), bent[1], 0.05)
    found = named(bent, bands=[narrow], pins={"x": "linear"})
    assert found.edges.family.tolist() == ["linear"]


def test_a_band_of_another_edge_says_nothing(bent):
    narrow = around(np.sin, bent[1], 1e-3)
    other = Band("other", *list(vars(narrow).values())[1:])
    assert named(bent, bands=[other]).edges.family.tolist() == ["linear"]


def test_a_learned_curve_keeps_its_size_beside_a_form_of_another(bent):
    model, table = bent
    whole = observed(model, table)
    curves = with_errors(extract(model, table), whole.term, whole.scaled)
    fitted = [fit_latent(part, ["x"], SymbolicOptions()) for part in curves]
    search = Search(whole.term, whole.scaled, fitted)
    form = FAMILIES["exp"][0]
    # Twenty times as large as the curve, as a few rows of a wrong law may want it.
    edge = EdgeTerm(0, form, tuple(form.times((0.3, 0.3), 20.0)))
    structures = (LatentStructure("y", 1.0, (edge,)),)
    constants = model.constant_raw.detach()
    scored = search.score(structures, constants)
    wrong = replace(scored, structures=structures, loss=20.0 * scored.loss)
    apart = around(lambda x: np.sin(4 * x), table, 1e-3)
    limits = CurveBands.of([apart], ["y"], units_of(model, table))
    kept = kept_inside(search, wrong, limits).structures[0]
    told = kept.value(whole.scaled.numpy())
    learned = model.raw_latents(whole.scaled)[:, 0].detach().numpy()
    assert np.std(told - learned) < 0.05 * np.std(learned)
