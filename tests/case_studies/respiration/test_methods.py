"""Model and training of every row follow the settings that are asked for."""

import pytest

from case_studies.respiration import methods, published
from case_studies.respiration.published import Row

ALL = [row for table in published.TABLES for row in published.rows(table)]


def named(table: int, method: str) -> Row:
    return next(row for row in published.rows(table) if row.method == method)


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.slug)
@pytest.mark.parametrize("mode", ["ours", "paper", "nominal"])
def test_every_row_can_be_built(row, mode):
    model = methods.build(row, mode, seed=2)
    assert model.plain == row.plain
    assert model.encoder.kind == row.encoder
    assert row.plain or model.constraints[0].name == row.constraint
    assert methods.settings(row, mode, seed=2).seed == 2


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.slug)
def test_the_published_code_trained_everything_at_one_rate(row):
    paper, nominal = (methods.settings(row, mode, 1) for mode in ("paper", "nominal"))
    assert (paper.learning_rate, paper.constant_rate_factor) == (1e-3, 1.0)
    assert nominal.learning_rate == row.lr_nominal
    assert nominal.constant_rate_factor == 100.0
    same = paper.model_dump() | {"learning_rate": 0, "constant_rate_factor": 0}
    assert same == nominal.model_dump() | {
        "learning_rate": 0,
        "constant_rate_factor": 0,
    }
    assert paper.engine == "first-order"
    assert paper.patience == (10 if row.table == 1 else 20)
    weights = ("entropy", "l1", "smooth", "violation", "weight_decay")
    for name in weights:
        assert getattr(paper, name) == getattr(row, name), name


def test_q10_starts_at_one_half_only_in_the_published_code():
    row = named(1, "ScIReN linear 1-layer")
    ours, paper = (methods.build(row, mode, 1) for mode in ("ours", "paper"))
    assert ours.constants()["q10"] == pytest.approx(1.5)
    assert paper.constants()["q10"] == pytest.approx(0.5)


def test_two_layers_come_from_the_ladder_or_are_eight_nodes():
    row = named(2, "ScIReN linear 2-layer")
    assert methods.build(row, "ours", 1).encoder.settings()["hidden"] == []
    assert methods.settings(row, "ours", 1).ladder
    assert methods.build(row, "paper", 1).encoder.settings()["hidden"] == [8]
    assert not methods.settings(named(2, "ScIReN linear 1-layer"), "ours", 1).ladder


def test_table_9_keeps_its_penalties_in_our_settings():
    for row in published.rows(9):
        ours = methods.settings(row, "ours", 1)
        assert ours.engine == "first-order"
        assert (ours.entropy, ours.l1, ours.smooth) == (row.entropy, row.l1, row.smooth)
        encoder = methods.build(row, "ours", 1).encoder.settings()
        assert (encoder["hidden"], encoder["grid"]) == ([8], [row.grid, row.grid])
