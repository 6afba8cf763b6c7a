"""The published rows: complete, and read as printed."""

import math

import pytest

from case_studies.respiration import published

COUNTS = {1: 5, 2: 6, 9: 5}


@pytest.mark.parametrize("table", published.TABLES)
def test_every_row_of_a_table_is_there_once(table):
    rows = published.rows(table)
    assert len(rows) == COUNTS[table]
    assert len({row.slug for row in rows}) == len(rows)
    assert {row.setting for row in rows} == {"linear" if table == 1 else "abs"}


def test_figures_and_settings_are_those_of_the_paper():
    row = published.rows(1)[-1]
    assert row.method == "ScIReN linear 1-layer"
    assert row.values["r2_obs"] == 0.976
    assert row.values["kl_sd"] == 0.001
    assert (row.smooth, row.l1, row.lr_nominal, row.grid) == (1.0, 0.01, 0.01, 30)
    assert row.slug == "table1-sciren-linear-1-layer"


@pytest.mark.parametrize("table", [1, 2])
def test_only_the_network_without_a_process_has_no_latent(table):
    for row in published.rows(table):
        assert (
            row.plain
            == math.isnan(row.values["r2_latent"])
            == (row.method == "Pure-NN")
        )


def test_each_row_of_table_9_changes_one_thing():
    original, *others = published.rows(9)
    for row in others:
        names = ("entropy", "l1", "smooth", "grid")
        changed = [n for n in names if getattr(row, n) != getattr(original, n)]
        assert len(changed) == 1, row.method
