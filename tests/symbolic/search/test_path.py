"""The path of candidates: simplest to most accurate, kept, chosen from, stored."""

import json

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from sciren.errors import ConfigError
from symbolic import SymbolicModel, symbolify
from symbolic.expression.complexity import complexity
from symbolic.model.storage import from_json, to_json
from symbolic.search.path import WITHIN, select
from symbolic.terms.structure import LatentStructure


def frame(rows=500, seed=0):
    rng = np.random.default_rng(seed)
    x, y, w = (rng.uniform(-2, 2, rows) for _ in range(3))
    ta = rng.uniform(-5, 25, rows)
    rb = 5 + np.exp(0.8 * x) + 0.6 * y + 0.04 * w
    reco = rb * 1.8 ** ((ta - 15) / 10) * (1 + 0.02 * rng.normal(size=rows))
    return pd.DataFrame({"x": x, "y": y, "w": w, "ta": ta, "reco": reco})


@pytest.fixture(scope="module")
def study():
    rows = Table.from_frame(frame(), ["x", "y", "w"], ["ta"], ["reco"])
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows, TrainConfig())
    return model, rows


@pytest.fixture(scope="module")
def equations(study):
    return symbolify(*study, compose=0)


def test_the_path_goes_from_a_constant_to_the_most_accurate(equations):
    found = equations.candidates
    sizes = [one.complexity for one in found]
    assert sizes == sorted(sizes)
    assert found[0].structures[0].all_edges == []
    assert len(found) >= 3
    selected = [row["selected"] for row in equations.candidate_rows]
    assert sum(selected) == 1
    front = [one.loss for k, one in enumerate(found) if not selected[k]]
    assert front == sorted(front, reverse=True)
    chosen = found[selected.index(True)]
    assert chosen.r2 > 0.98
    assert chosen.r2 > found[0].r2 + 0.1


def test_complexity_and_score_follow_their_definitions(equations):
    for k, candidate in enumerate(equations.candidates):
        whole = equations.candidate(k)
        assert candidate.complexity == complexity(whole.equations["rb"])
        if k:
            before = equations.candidates[k - 1]
            more = candidate.complexity - before.complexity
            gain = np.log(before.loss / candidate.loss)
            assert candidate.score == pytest.approx(gain / more if more else 0.0)


def test_the_table_has_a_row_a_candidate_that_can_be_called(equations):
    table, data = equations.equations_, frame(20, seed=3)
    assert list(table.columns) == [
        "candidate", "selected", "latent", "complexity", "total_complexity", "loss",
        "score", "r2", "features", "equation", "sympy", "callable", "refused",
        "verification",
    ]  # fmt: skip
    assert len(table) == len(equations.candidates)
    for row in table.to_dict("records"):
        used = {str(symbol) for symbol in row["sympy"].free_symbols}
        assert len(used) == row["features"]
        values = row["callable"](data)["rb"]
        expected = equations.candidate(row["candidate"]).latents(data).rb
        if row["selected"]:
            expected = equations.latents(data).rb
        np.testing.assert_array_equal(values, expected)
    assert set(table.verification) == {"not verified"}


def test_a_candidate_predicts_with_its_own_constants(equations):
    data = frame(50, seed=4)
    simple = equations.candidate(0)
    found = simple.predict(data)
    assert found.rb.nunique() == 1
    q10 = equations.candidates[0].constants["q10"]
    np.testing.assert_allclose(found.reco, found.rb * q10 ** ((data.ta - 15) / 10))
    assert simple.verification is None
    for kind in ("document", "markdown", "json", "csv", "text"):
        assert simple.export(kind)
    with pytest.raises(ConfigError, match="no candidate 99"):
        equations.candidate(99)


def test_candidates_survive_a_file(equations, tmp_path):
    again = SymbolicModel.load(equations.save(tmp_path / "equations.json"))
    data = frame(30, seed=5)
    assert len(again.candidates) == len(equations.candidates)
    for k in range(len(again.candidates)):
        pd.testing.assert_frame_equal(
            again.candidate(k).predict(data), equations.candidate(k).predict(data)
        )
    stored = json.loads(json.dumps(to_json(equations)))
    del stored["candidates"]  # files of before there were candidates
    assert from_json(stored).candidates == ()


@pytest.mark.parametrize("rule", ["accuracy", "best", 0, 1])
def test_the_user_chooses_along_the_path(study, equations, rule):
    other = symbolify(*study, model_selection=rule, compose=0)
    rows = other.candidate_rows
    (row,) = [k for k, one in enumerate(rows) if one["selected"]]
    losses = [one["loss"] for one in rows]
    if rule == "accuracy":
        assert losses[row] == min(losses)
    elif rule == "best":
        assert losses[row] <= WITHIN * min(losses)
        assert all(loss > WITHIN * min(losses) for loss in losses[:row])
    else:
        assert row == rule
    assert other.record.options.model_selection == rule
    own = other.candidates[row].structures[0].all_edges
    assert len(other.structures[0].all_edges) == len(own)


@pytest.mark.parametrize(("rule", "said"), [(50, "0 to"), ("acuracy", "accuracy")])
def test_a_rule_or_row_that_does_not_exist_is_refused(equations, rule, said):
    with pytest.raises(ConfigError, match=said):
        select(equations.candidates, rule, (LatentStructure("rb", 0.0),))


def test_weights_of_the_user_change_the_order_of_the_path(study):
    plain = symbolify(*study, compose=0)
    heavy = symbolify(*study, complexity={"exp": 100.0}, compose=0)
    assert heavy.record.options.complexity == {"exp": 100.0}
    assert max(candidate.complexity for candidate in heavy.candidates) > 90
    assert max(candidate.complexity for candidate in plain.candidates) < 90
