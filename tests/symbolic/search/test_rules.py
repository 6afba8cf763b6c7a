"""The numbers at which a search turns stand where they are stated, on both sides."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import LinearEncoder, ScIReN, Table
from sciren.inference.intervals.bands import Band
from sciren.training.gauss_newton.stages import Validation
from symbolic.families.variants import form_named
from symbolic.options import SymbolicOptions
from symbolic.search import held_out, residual_gate
from symbolic.search.climb import Change, ScoredLatents, Search
from symbolic.search.held_out import preferred_held_out
from symbolic.search.inside_bands import CurveBands, kept_inside
from symbolic.search.observations import observed, units_of
from symbolic.search.starting import FittedLatent
from symbolic.search.widening import widened
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

ROWS = 200
NOTHING = torch.empty(0, dtype=torch.float64)


def edge(family: str, *constants: float, source: int = 0) -> EdgeTerm:
    return EdgeTerm(source, form_named(family), constants)


def latent(*edges: EdgeTerm) -> tuple[LatentStructure, ...]:
    return (LatentStructure("y", 0.0, edges),)


class Planted(Search):
    """A search whose changes of an edge and their criteria are given."""

    planted: Sequence[tuple[str, EdgeTerm, float]] = ()

    def scored_changes(
        self, best: ScoredLatents, k: int, number: int
    ) -> Iterator[tuple[Change, ScoredLatents]]:
        for family, term, above in self.planted:
            other = latent(term)
            scored = self.score(other, best.constants)
            change = Change(other, k, number, family)
            yield change, replace(scored, criterion=best.criterion + above)


def search_on(x, y, groups=None) -> tuple[Planted, Any, Table]:
    """A search without learned curves on columns x (n, d) and y (n,)."""
    names = [f"x{k}" for k in range(x.shape[1])]
    frame = pd.DataFrame(x, columns=names).assign(y=y)
    table = Table.from_frame(frame, names, [], ["y"], groups=groups)
    model = ScIReN(LinearEncoder(len(names), 1), decoder=None)
    rows = observed(model, table)
    empty = FittedLatent("y", 0.0, (), ())
    return Planted(rows.term, rows.scaled, [empty]), model, table


def straight(noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, 1))
    return search_on(x, x[:, 0] + noise * rng.normal(size=ROWS))


@pytest.mark.parametrize(("deviance", "kept"), [(3.2, 0), (4.8, 1)])
def test_an_edge_of_two_standard_errors_stays(deviance, kept):
    """Fewer constants would be preferred by the criterion in both cases: log 200 = 5.3."""
    rng = np.random.default_rng(1)
    parts = np.linalg.qr(np.column_stack([np.ones(ROWS), rng.normal(size=(ROWS, 3))]))[
        0
    ]
    x, noise = parts[:, 1:3], parts[:, 3]
    # N log(loss without / loss with) is the deviance, the noise being of length one
    slope = np.sqrt(np.expm1(deviance / ROWS))
    search, _, _ = search_on(x, 9 * x[:, 0] + slope * x[:, 1] + noise)
    start = search.score(
        latent(edge("linear", 1.0), edge("linear", 1.0, source=1)), NOTHING
    )
    assert len(search.climb(start).structures[0].edges) == 1 + kept


def test_a_turn_without_rows_costs_twenty_units():
    x, noise = np.random.default_rng(0).normal(size=(2, ROWS, 1))
    y = np.abs(x[:, 0]) + 0.3 * noise[:, 0]
    inside, outside = (
        search_on(x, y)[0].score(latent(edge("abs", 1.0, place)), NOTHING)
        for place in (0.1, -30.0)
    )
    fit = ROWS * np.log(outside.loss / inside.loss)
    assert outside.criterion - inside.criterion - fit == pytest.approx(20.0, abs=1e-6)


@pytest.mark.parametrize(("gain", "taken"), [(5.0, False), (7.0, True)])
def test_a_further_family_has_to_win_clearly(gain, taken):
    search, _, _ = straight()
    best = search.score(latent(edge("quadratic", 0.1, 0.0)), NOTHING)
    search.planted = [("power", edge("linear", 1.0), -gain)]
    chosen = widened(search, best, SymbolicOptions(further_families=["power"]))
    assert (chosen is not best) == taken


@pytest.mark.parametrize(("loss", "taken"), [(5.0, True), (7.0, False)])
def test_a_form_inside_its_band_may_be_a_little_worse(loss, taken):
    search, model, table = straight()
    best = search.score(latent(edge("quadratic", 5.0, 0.0)), NOTHING)
    line = search.score(latent(edge("linear", 1.0)), NOTHING).structures[0].edges[0]
    search.planted = [("linear", line, loss)]
    data = table.features.numpy()[:, 0]
    x = np.linspace(np.quantile(data, 0.01), np.quantile(data, 0.99), 60)
    band = Band("x0", "y", x, x, x - 0.2, x + 0.2, 2.9, 0.95, data)
    bands = CurveBands.of([band], ["y"], units_of(model, table))
    wrong = replace(best, structures=latent(edge("quadratic", 5.0, 0.0)))
    chosen = kept_inside(search, wrong, bands)
    assert (chosen.structures[0].edges[0].form == line.form) == taken


@pytest.mark.parametrize(
    ("gain", "blocks", "preferred"), [(0.5, 20, False), (2.0, 20, True), (0.5, 9, True)]
)
def test_held_out_blocks_prefer_by_more_than_an_error(
    gain, blocks, preferred, monkeypatch
):
    """The loss of each fold differs by a mean of ``gain`` errors of the difference."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 1))
    groups = np.resize(np.arange(blocks), ROWS)
    search, _, _ = search_on(x, x[:, 0] + rng.normal(size=ROWS), groups)
    old = search.score(latent(edge("linear", 1.0)), NOTHING)
    new = search.score(latent(edge("quadratic", 1.0, 0.0)), NOTHING)
    # twenty blocks of weight one, whose differences are -1 and +1 about their mean
    scatter = torch.tensor([-1.0, 1.0, -1.0, 1.0])
    error = 19**-0.5

    def loss(search, scored, rows):
        own = scatter - gain * error if scored is new else torch.zeros(4)
        return Validation(5 + own[None], torch.ones(4))

    monkeypatch.setattr(held_out, "_loss", loss)
    assert preferred_held_out(search, new, old, 0) == preferred


@pytest.mark.parametrize(("rows", "told"), [(40, 0.0), (60, 1.0)])
def test_five_rows_a_product_of_three_are_asked_for(rows, told):
    """Five features have ten products of three, which want fifty rows."""
    z = np.random.default_rng(0).normal(size=(rows, 5))
    share = residual_gate._share_of_triples(
        z, z[:, :3].prod(axis=1), np.arange(rows) % 5
    )
    assert round(share) == told


def test_a_far_row_decides_nothing_about_products_of_three():
    z = np.random.default_rng(0).normal(size=(200, 3))
    z[0] = 1e3
    residual = z.prod(axis=1).clip(-50, 50)
    assert residual_gate._share_of_triples(z, residual, np.arange(200) % 5) > 0.8
