"""Seeds of a row train together; broken runs go on; failures are results."""

import pytest

from case_studies.respiration import methods, published, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.record import Record
from sciren import SciRenError, TrainConfig

THIN = 200


@pytest.fixture(autouse=True, scope="module")
def fast():
    def settings(row: object, mode: object, seed: int) -> TrainConfig:
        return TrainConfig(engine="first-order", epochs=2, seed=seed, profiles=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "settings", settings)
        yield


@pytest.fixture
def cells(tmp_path):
    """Two rows and two seeds."""
    record = Record(tmp_path, thin=THIN)
    rows = [row for row in published.rows(2) if row.encoder in ("mlp", "linear")][-2:]
    return [Cell(row, seed, record) for seed in (1, 2) for row in rows]


def test_seeds_trained_together_end_as_alone(cells, tmp_path):
    together = training.run(cells)
    for cell, result in zip(cells, together, strict=True):
        alone = Cell(cell.row, cell.seed, Record(tmp_path / "alone", thin=THIN))
        [other] = training.run([alone])
        for name in ("r2_obs", "r2_latent", "q10"):
            mine = result["metrics"][name]
            assert other["metrics"][name] == pytest.approx(mine, abs=1e-5)


def test_a_broken_run_keeps_what_is_finished(cells, monkeypatch, capsys):
    compute, groups = training.compute, []

    def once(group):
        groups.append(group)
        if len(groups) == 2:
            raise KeyboardInterrupt
        return compute(group)

    monkeypatch.setattr(training, "compute", once)
    with pytest.raises(KeyboardInterrupt):
        training.run(cells)
    assert [cell.stored() is not None for cell in cells].count(True) == 2
    assert len(training.run(cells)) == 4
    assert "4 models, 2 of them kept from before" in capsys.readouterr().err
    assert groups[1] == groups[2]


def test_the_seeds_of_a_row_are_one_group_and_deep_rows_come_first(cells):
    groups = training._rows(cells)
    assert [[cell.seed for cell in group] for group in groups] == [[1, 2], [1, 2]]
    assert [group[0].row.layers for group in groups] == [2, 1]


def test_one_seed_that_fails_does_not_take_the_others_along(cells, monkeypatch, capsys):
    row = [cell for cell in cells if cell.row == cells[0].row]
    fit = training.fit

    def diverge(*_):
        raise SciRenError("seed 2 diverged")

    def first_only(model, train, valid, settings, progress):
        if settings.seed == 2:
            raise SciRenError("diverged")
        return fit(model, train, valid, settings, progress)

    monkeypatch.setattr(training, "fit_ensemble", diverge)
    monkeypatch.setattr(training, "fit", first_only)
    good, bad = training.run(row)
    assert good["metrics"]["r2_obs"] > 0
    assert bad["failed"] == "SciRenError: diverged"
    assert "training every seed alone" in capsys.readouterr().err


def test_two_processes_find_what_one_finds(cells, tmp_path, monkeypatch):
    """The pool itself; its processes do not know the settings of this test."""
    monkeypatch.setattr("case_studies.cells.ProcessPoolExecutor", Pool)
    assert len(training.run(cells, workers=2)) == 4
    assert Pool.arguments[0] == 2


class Pool:
    """Stands for a pool of processes, and computes at once."""

    def __init__(self, *arguments, initializer):
        Pool.arguments = arguments
        initializer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def submit(self, work, group):
        from concurrent.futures import Future

        done = Future()
        done.set_result(work(group))
        return done


def test_long_trainings_say_which_row_they_are(cells, monkeypatch, capsys):
    monkeypatch.setattr(training, "EVERY", 0.0)
    lines = training.Lines(cells[0])
    lines.update("train", 3, 9, {})
    lines.say("unheard")
    title = f"table 2, {cells[0].row.method}: train 3/9\n"
    assert capsys.readouterr().err == title
    monkeypatch.setattr(training, "EVERY", 1e9)
    lines.update("train", 4, 9, {})
    assert capsys.readouterr().err == ""


def test_a_training_broken_off_goes_on_in_the_middle(cells, tmp_path, monkeypatch):
    row = [cell for cell in cells if cell.row == cells[0].row]

    def settings(row: object, mode: object, seed: int) -> TrainConfig:
        return TrainConfig(
            engine="first-order", epochs=6, seed=seed, profiles=False,
            checkpoint_seconds=0,
        )  # fmt: skip

    class Broken(training.Lines):
        def update(self, stage, step, total, values):
            steps.append(step)
            if step == 4 and len(steps) == 4:
                raise KeyboardInterrupt

    steps: list[int] = []
    monkeypatch.setattr(methods, "settings", settings)
    monkeypatch.setattr(training, "Lines", Broken)
    with pytest.raises(KeyboardInterrupt):
        training.run(row)
    assert len(list(row[0].folder.parent.glob(".training-*"))) == 1
    found = training.run(row)
    assert steps == [1, 2, 3, 4, 4, 5, 6]
    assert not list(row[0].folder.parent.glob(".training-*"))
    whole = [Cell(one.row, one.seed, Record(tmp_path / "b", thin=THIN)) for one in row]
    monkeypatch.setattr(training, "Lines", lambda cell: None)
    for mine, other in zip(found, training.run(whole), strict=True):
        assert mine["metrics"] == other["metrics"]
