"""The steps of the search: what a wider curve costs an edge, and gives back."""

from dataclasses import replace

import numpy as np

from sciren.inference.kind_bases import smooth_basis
from sciren.inference.search import COLUMNS, WIDE, Search
from tests.sciren.inference.conftest import drivers
from tests.sciren.inference.test_selection import plain


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


def test_narrow_curves_are_not_asked_again():
    search = searched(0.5)
    full = search.full
    search.narrow_again()
    assert search.full is full
    assert np.isfinite(search.fit.loss)
