"""The steps of the search: what a wider curve costs an edge, and gives back."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from sciren import KANEncoder, Parameter, ScIReN, State, process_model
from sciren.dynamics.linearised import Linearisation, LinearisedModel
from sciren.inference.kind_bases import smooth_basis
from sciren.inference.observed import ObservedProcess
from sciren.inference.search import COLUMNS, WIDE, Search
from tests.sciren.inference.conftest import drivers
from tests.sciren.inference.test_selection import plain


@process_model(
    parameters=[Parameter("k", low=0, start=0.4, per="group", deviation="lognormal")],
    state=[State("c", start=10)], time="ode", targets={"y": "c"},
)  # fmt: skip
def decay(s, p, f):
    return {"c": -p.k * s.c}


def searched(effect):
    """A search after its first round: y = effect a + noise, b idle."""
    frame, rng = drivers(400, columns=("a", "b"))
    frame["y"] = effect * frame.a + rng.standard_normal(len(frame))
    search = Search(plain(frame, ["a", "b"]), None)
    search.round()
    return search


def widened(search, feature):
    """Give eight columns to an edge and drop what is idle then."""
    bases = list(search.whole.bases)
    kind, x = search.process.kinds[feature], search.process.features[:, feature]
    bases[feature] = smooth_basis(kind, x, WIDE)
    search.whole = replace(search.whole, bases=tuple(bases))
    search.round()
    return search


def test_an_edge_that_was_dropped_with_a_wide_curve_is_asked_about_without():
    # worth about 30 units of the noise: more than 3 log(n) = 18, less than 8 log(n) = 48
    search = searched(0.27)
    assert search.kept == [(0, 0)]
    assert widened(search, 0).kept == []
    search.narrow_again()
    assert search.kept == [(0, 0)]
    assert [basis.size for basis in search.whole.bases] == [COLUMNS, COLUMNS]


def test_wide_curves_stay_where_narrow_ones_give_nothing_more():
    search = widened(searched(0.5), 1)
    before = search.whole, search.fit, search.full
    assert search.kept == [(0, 0)]
    search.narrow_again()
    assert (search.whole, search.fit, search.full) == before
    kept = widened(searched(1.0), 0)
    design = kept.fit.design
    assert [basis.size for basis in design.bases] == [WIDE]
    kept.narrow_again()
    assert kept.fit.design is design


def deviating_groups(effect, seed=1, groups=40):
    """Search over groups whose log k deviates from what x (effect), a and b say."""
    model = LinearisedModel(decay)
    rng = np.random.default_rng(seed)
    static = rng.random((groups, 3))
    numbers = np.log(0.2 + effect(static[:, 0])) + 0.3 * rng.standard_normal(groups)
    rows = Linearisation(
        numbers[:, None], np.full((groups, 1, 1), 0.3**-2.0), np.array([np.log(0.4)])
    )
    table = rows.table(
        SimpleNamespace(static=static, static_names=("x", "a", "b"), units={})
    )
    search = Search(
        ObservedProcess.of(ScIReN(KANEncoder(3, 1), "auto", model), table), None
    )
    while True:
        search.round()
        if not search.widen():
            return search


def test_lines_stand_first_where_groups_deviate_and_bend_where_they_must():
    straight = deviating_groups(lambda x: 0.4 * x)
    assert straight.kept == [(0, 0)]
    assert [basis.size for basis in straight.fit.design.bases] == [1]
    bent = deviating_groups(lambda x: 8 * (x - 0.5) ** 2)
    assert bent.kept == [(0, 0)]
    assert [basis.size for basis in bent.fit.design.bases] == [COLUMNS]
    assert deviating_groups(lambda x: 0.2 + 0 * x).kept == []


def test_narrow_curves_are_not_asked_again():
    search = searched(0.5)
    full = search.full
    search.narrow_again()
    assert search.full is full
    assert np.isfinite(search.fit.loss)
