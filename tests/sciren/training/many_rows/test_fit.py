"""Many rows: blocks sum to the whole, whoever sums them, and read no more than a block."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import ScIReN
from sciren.data.blocks import dataset_blocks, parquet_blocks, table_blocks
from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.errors import ColumnError, TrainingError
from sciren.training import TrainConfig, fit, fit_many_rows
from sciren.training.ensemble import ready
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.many_rows.problem import BlocksProblem
from sciren.training.many_rows.sums import BlockSums
from sciren.training.many_rows.survey import survey
from sciren.training.progress import Silence

FEATURES = ["a", "b", "c"]
COLUMNS = {"features": FEATURES, "forcings": {"ta": "ta"}, "targets": {"reco": "reco"}}
FIXED = TrainConfig(smooth=1e-3, select=False, profile_points=5)


def frame(rows, seed):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(rows, 3)), columns=FEATURES)
    data["ta"] = 12 + 6 * rng.normal(size=rows)
    rb = 3 + 0.5 * np.sin(data.a) - 0.3 * data.b
    noise = 1 + 0.1 * rng.normal(size=rows)
    data["reco"] = rb * 1.8 ** ((data.ta - 15) / 10) * noise
    data.loc[::17, "reco"] = np.nan
    return data


def model():
    return ScIReN(KANEncoder(3, 1, grid=6), "auto", Q10Respiration())


@pytest.fixture(scope="module")
def rows():
    return frame(3000, 0)


@pytest.fixture(scope="module")
def tables(rows):
    valid = Table.from_frame(frame(400, 1), **COLUMNS)
    return Table.from_frame(rows, **COLUMNS), valid


@pytest.fixture(scope="module")
def solved(tables):
    """The model and history of 4 blocks whose sample is all rows."""
    learned = model()
    blocks = table_blocks(tables[0], 800)
    return learned, fit_many_rows(learned, blocks, tables[1], FIXED)


def test_blocks_have_the_solution_of_the_whole(tables, solved):
    whole = model()
    fit(whole, *tables, FIXED.replace(profiles=False))
    learned = solved[0]
    assert learned.constants()["q10"] == pytest.approx(
        whole.constants()["q10"], rel=1e-6
    )
    torch.testing.assert_close(
        learned.latents(tables[1]), whole.latents(tables[1]), rtol=1e-4, atol=1e-4
    )


@pytest.mark.slow
def test_errors_know_that_the_noise_grows(tables, solved):
    """Refits on resampled rows scatter as the error says, not as the curvature does."""
    rows, valid = tables
    rng = np.random.default_rng(5)
    scattered = []
    for _ in range(25):
        drawn = torch.from_numpy(rng.integers(0, len(rows), len(rows)))
        learned = model()
        fit(learned, rows.take(drawn), valid, FIXED.replace(profiles=False))
        scattered.append(learned.constants()["q10"])
    error = solved[1].summaries["q10"].error
    assert error == pytest.approx(np.std(scattered), rel=0.4)


class LastFirst:
    """Workers that are done in the other order."""

    workers = 2

    def results(self, function, items):
        for position in reversed(range(len(items))):
            yield position, function(items[position])


def test_the_order_of_workers_changes_no_bit(tables, solved):
    learned = model()
    blocks = table_blocks(tables[0], 800)
    fit_many_rows(learned, blocks, tables[1], FIXED, LastFirst())
    assert learned.constants() == solved[0].constants()
    assert torch.equal(learned.latents(tables[1]), solved[0].latents(tables[1]))


def test_sums_that_are_begun_early_save_no_accuracy(tables, solved, monkeypatch):
    """From the sample's minimum or from Newton's step of the early sums: one minimum."""
    monkeypatch.setattr(
        "sciren.training.many_rows.sums.BlockSums.begin", lambda *_: None
    )
    learned = model()
    history = fit_many_rows(learned, table_blocks(tables[0], 800), tables[1], FIXED)
    error = solved[1].summaries["q10"].error
    near = solved[0].constants()["q10"]
    assert learned.constants()["q10"] == pytest.approx(near, abs=1e-4 * error)
    steps = [
        sum(row["stage"] == "all rows" for row in found.rows)
        for found in (history, solved[1])
    ]
    assert steps[1] <= steps[0]


def test_sums_around_another_minimum_are_not_believed(tables):
    """Where the quadratic model of early sums does not hold, the sample's minimum starts."""
    blocks = table_blocks(tables[0], 800)
    seen = survey(blocks, 3000, 0, None, Silence())
    member = ready(model(), *tables, FIXED)
    solver = StageSolver(member.model, member.data, FIXED, member.history, Silence())
    step = solver.additive()
    theta, problem = step.candidate.theta.unsqueeze(0), step.stage.problem
    sums = BlockSums(blocks, seen, None, Silence())
    assert torch.equal(BlocksProblem(problem, sums).start(theta), theta)  # none begun
    sums.begin(problem, theta)
    near = BlocksProblem(problem, sums).start(theta)
    torch.testing.assert_close(near, theta, atol=1e-2, rtol=1e-2)
    away = theta + 0.0
    away[0, -1] += 2.0  # the logarithm of Q10
    assert torch.equal(BlocksProblem(problem, sums).start(away), away)


def test_a_sample_decides_and_all_rows_solve(tables, solved):
    learned = model()
    blocks = table_blocks(tables[0], 800)
    history = fit_many_rows(learned, blocks, tables[1], FIXED, sample=600)
    said = " ".join(history.messages)
    assert "from all 3,000" in said
    near, error = solved[0].constants()["q10"], solved[1].summaries["q10"].error
    # same rows, units and knots of a sample: much nearer than its own error would be
    assert learned.constants()["q10"] == pytest.approx(near, abs=0.3 * error)
    assert history.summaries["q10"].error == pytest.approx(error, rel=0.1)


def test_smoothing_of_a_sample_flattens_no_curve_of_many_rows():
    """Without noise only the penalty moves a curve: by as many rows as the sample has."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.uniform(-1, 1, (6000, 3)), columns=FEATURES)
    data["ta"] = 12 + 6 * rng.normal(size=6000)
    data["reco"] = (3 + np.sin(3 * data.a)) * 1.8 ** ((data.ta - 15) / 10)
    rows, truth = Table.from_frame(data, **COLUMNS), 3 + np.sin(3 * data.a.to_numpy())
    missed = {}
    for sample in (100, 6000):
        learned = model()
        heavy = FIXED.replace(smooth=0.1)
        fit_many_rows(learned, table_blocks(rows, 3000), rows, heavy, sample=sample)
        latent = learned.latents(rows).detach().numpy()[:, 0]
        missed[sample] = np.sqrt(np.mean((latent - truth) ** 2))
    assert missed[100] < 0.2 * missed[6000]


def test_files_are_read_in_blocks_and_give_the_same(rows, tables, solved, tmp_path):
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=400)
    blocks = parquet_blocks(tmp_path / "rows.parquet", **COLUMNS, rows=800)
    assert [block.rows for block in blocks] == [800, 800, 800, 600]
    learned = model()
    fit_many_rows(learned, blocks, tables[1], FIXED)
    assert learned.constants() == solved[0].constants()


def test_stores_are_read_in_blocks_and_give_the_same(rows, tables, solved, tmp_path):
    rows.to_xarray().to_netcdf(tmp_path / "rows.nc")
    blocks = dataset_blocks(tmp_path / "rows.nc", **COLUMNS, rows=800)
    learned = model()
    fit_many_rows(learned, blocks, tables[1], FIXED)
    assert learned.constants() == solved[0].constants()


def test_a_block_of_gaps_adds_nothing(rows, tables, solved, tmp_path):
    gaps = rows.head(100).assign(a=np.nan)
    pd.concat([rows, gaps]).to_parquet(tmp_path / "rows.parquet", row_group_size=100)
    blocks = parquet_blocks(tmp_path / "rows.parquet", **COLUMNS, rows=100)
    assert blocks[-1].table() is None
    learned = model()
    history = fit_many_rows(learned, blocks, tables[1], FIXED)
    assert "from all 3,000" in " ".join(history.messages)
    assert learned.constants()["q10"] == pytest.approx(
        solved[0].constants()["q10"], rel=1e-9
    )


@pytest.mark.parametrize(
    ("encoder", "settings", "said"),
    [
        (KANEncoder(3, 1, hidden=(2,)), {}, "hidden layer"),
        (MLPEncoder(3, 1), {}, "not a KANEncoder"),
        (KANEncoder(3, 1), {"bootstrap": 10}, "bootstrap resamples"),
        (KANEncoder(3, 1), {"noise": "robust"}, "noise 'robust'"),
        (KANEncoder(3, 1), {"ladder": True}, "ladder"),
        (KANEncoder(3, 1), {"device": "cuda"}, "'cuda'"),
    ],
)
def test_what_cannot_be_solved_in_blocks_is_refused_before_reading(
    tables, encoder, settings, said
):
    refused = ScIReN(encoder, "auto", Q10Respiration())
    with pytest.raises(TrainingError, match=said):
        fit_many_rows(refused, [], tables[1], TrainConfig(**settings))


def test_no_complete_row_is_an_error(rows, tables, tmp_path):
    rows.assign(a=np.nan).to_parquet(tmp_path / "rows.parquet")
    blocks = parquet_blocks(tmp_path / "rows.parquet", **COLUMNS)
    with pytest.raises(TrainingError, match="none of the 3,000 rows in 1 blocks"):
        fit_many_rows(model(), blocks, tables[1], FIXED)


def test_blocks_of_other_features_are_refused(tables):
    other = tables[0].take(slice(0, 100))
    other = Table(
        other.features, other.forcings, other.targets, ("a", "c", "b"), ("reco",)
    )
    blocks = [*table_blocks(tables[0].take(slice(0, 100))), *table_blocks(other)]
    with pytest.raises(ColumnError, match=r"\['a', 'c', 'b'\]"):
        fit_many_rows(model(), blocks, tables[1], FIXED)
