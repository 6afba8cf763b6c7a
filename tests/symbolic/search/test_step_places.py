"""A step stands between the rows that its data put it between, wherever it began."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.decoders import IdentityDecoder
from symbolic.families.library import FAMILIES
from symbolic.search.climb import Search
from symbolic.search.observations import observed
from symbolic.search.step_places import with_steps_in_place
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

STEP = FAMILIES["threshold"][0]


@pytest.fixture(scope="module")
def stepped():
    """A search on 2 + 1.5 step(x - 0.3) + 0.5 w, and the scaled place of the step."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 300))
    y = 2 + 1.5 * (x > 0.3) + 0.5 * w + 0.1 * rng.normal(size=300)
    frame = pd.DataFrame({"x": x, "w": w, "y": y})
    table = Table.from_frame(frame, features=["x", "w"], targets=["y"])
    model = ScIReN(KANEncoder(2, 1, seed=0), decoder=IdentityDecoder(["y"]))
    fit(model, table, table, TrainConfig(seed=0, epochs=1))
    whole = observed(model, table)
    search = Search(whole.term, whole.scaled, [])
    z = search.features[:, 0]
    below, above = z[x <= 0.3].max(), z[x > 0.3].min()
    return search, model.constant_raw.detach(), (float(below), float(above))


@pytest.mark.parametrize("start", [-1.5, 0.0, 1.2])
def test_a_step_moves_between_the_rows_that_it_parts(stepped, start):
    search, constants, (below, above) = stepped
    edges = (
        EdgeTerm(0, STEP, (1.0, start)),
        EdgeTerm(1, FAMILIES["linear"][0], (0.5,)),
    )
    search.known.clear()
    begun = search.score((LatentStructure("y", 2.0, edges),), constants)
    best = with_steps_in_place(search, begun)
    size, place = best.structures[0].edges[0].constants
    assert below < place < above
    assert size == pytest.approx(1.5, abs=0.05)
    assert best.loss < begun.loss
    assert best.criterion < begun.criterion
    # a step that stands there already stays
    assert with_steps_in_place(search, best).structures == best.structures


def test_equations_without_steps_stay_as_they_are(stepped):
    search, constants, _ = stepped
    line = (LatentStructure("y", 2.0, (EdgeTerm(1, FAMILIES["linear"][0], (0.5,)),)),)
    best = search.score(line, constants)
    assert with_steps_in_place(search, best) is best


def test_a_step_does_not_move_to_the_few_rows_at_an_end(stepped):
    search, constants, _ = stepped
    z = search.features[:, 0]
    # six rows at the end of x make most of the loss: a step there would fall the most
    far = z > np.sort(z)[-7]
    term = search.term
    rows = np.flatnonzero(far)
    values = term.observations.values.clone()
    values[rows] += 40.0
    term = term._changed(observations=replace(term.observations, values=values))
    other = Search(term, search.scaled, [])
    edges = (EdgeTerm(0, STEP, (1.0, 0.0)), EdgeTerm(1, FAMILIES["linear"][0], (0.5,)))
    begun = other.score((LatentStructure("y", 2.0, edges),), constants)
    best = with_steps_in_place(other, begun)
    place = best.structures[0].edges[0].constants[1]
    assert np.sum(z > place) >= 0.05 * len(z)
