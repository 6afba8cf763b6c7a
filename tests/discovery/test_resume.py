"""An interrupted run goes on where it stopped and ends as an uninterrupted one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from discovery import cli
from discovery.config.file import load_config
from discovery.runs.unfinished import unfinished_folder
from discovery.runs.workflow import run
from sciren.errors import ConfigError, DataError
from sciren.training.progress import Silence

MORE = ("discovery.members=2", "discovery.bootstrap=5")


@pytest.fixture(autouse=True, scope="module")
def few_rows_of_effects():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("discovery.results.stages.EFFECT_ROWS", 20)
        yield


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def study(tmp_path_factory, start_study, quick):
    """Settings of a run that can be repeated in one place."""
    folder = tmp_path_factory.mktemp("resume")
    return start_study(folder), (*quick, *MORE)


@pytest.fixture(scope="module")
def kept_run(study, tmp_path_factory):
    """A copy of what an uninterrupted run writes."""
    config = load_config(*study)
    run(config, quiet=True)
    return Path(shutil.move(config.out, tmp_path_factory.mktemp("kept") / "run"))


@pytest.fixture(scope="module")
def whole(kept_run):
    """What an uninterrupted run writes, file by file."""
    return content(kept_run)


@pytest.fixture
def done(config, kept_run):
    """The finished run, put back to where it belongs."""
    shutil.copytree(kept_run, config.out)
    return config


@pytest.fixture(scope="module")
def kept_half(study, tmp_path_factory):
    """A copy of the hidden folder of a run that was broken off before its baselines."""
    config = load_config(*study)
    with pytest.MonkeyPatch.context() as patch:
        interrupted(config, "baselines", patch)
    hidden = unfinished_folder(config.out)
    return Path(shutil.move(hidden, tmp_path_factory.mktemp("half") / "hidden"))


@pytest.fixture
def half_done(config, kept_half):
    """The broken off run, put back to where it belongs."""
    shutil.copytree(kept_half, unfinished_folder(config.out))
    return config


@pytest.fixture
def config(study):
    config = load_config(*study)
    yield config
    for folder in (config.out, unfinished_folder(config.out)):
        shutil.rmtree(folder, ignore_errors=True)


class Interrupting(Silence):
    """Breaks off at a word of the progress, as a user with Ctrl-C does."""

    def __init__(self, word: str) -> None:
        self.word, self.heard = word, []

    def say(self, message: str) -> None:
        self.heard.append(message)
        if self.word in message:
            self.word = "\0"  # once only
            raise KeyboardInterrupt

    def update(self, stage, step, total, values) -> None:
        self.say(f"training: {stage}")


def interrupted(config, word, monkeypatch, **options) -> list[str]:
    listener = Interrupting(word)
    with monkeypatch.context() as patch:
        patch.setattr("discovery.runs.workflow.progress_of", lambda quiet: listener)
        with pytest.raises(KeyboardInterrupt) as interrupt:
            run(config, **options)
    return [*listener.heard, *getattr(interrupt.value, "__notes__", ())]


BEFORE_VERDICT = (
    "training", "members", "baselines", "equations", "constants", "uncertainty"
)  # fmt: skip


FINISHED_WORK = (
    "sciren.training.fit", "sciren.training.fit_ensemble",
    "discovery.results.baselines.baselines", "symbolic.symbolify",
)  # fmt: skip
"""What trains and looks for equations, and is done when intervals begin."""

STOPS = (
    ("members 2", ("training",)),
    ("baselines", ("training", "members")),
    ("equations", ("training", "members", "baselines")),
    ("consistency", ("training", "members", "baselines")),
    ("intervals", ("training", "members", "baselines", "equations")),
    ("verdict", BEFORE_VERDICT),
    ("report", (*BEFORE_VERDICT, "verdict")),
)
"""Word of the progress at which a run breaks off, and the stages that are kept then."""


def test_a_run_broken_off_at_every_stage_ends_as_an_uninterrupted_one(
    config, whole, monkeypatch
):
    """Each time it goes on, and what was finished is never done again."""

    def fail(*_, **__):
        raise AssertionError("this stage was finished")

    for word, finished in STOPS:
        heard = interrupted(config, word, monkeypatch, resume=True)
        assert heard[-1].startswith("finished stages are kept")
        kept = heard[-1].partition("(")[2].partition(")")[0].split(", ")
        assert sorted(kept) == sorted(finished)
        assert not config.out.exists()
        if word == "intervals":
            for work in FINISHED_WORK:
                monkeypatch.setattr(work, fail)
    assert content(run(config, quiet=True, resume=True)) == whole
    assert [path.name for path in config.out.parent.iterdir()] == [config.out.name]


def test_a_run_broken_off_before_its_first_stage_leaves_nothing(config, monkeypatch):
    interrupted(config, "training: ", monkeypatch)
    assert not list(config.out.parent.iterdir())


GRADIENTS = (
    "train={engine: first-order, epochs: 12, profiles: false, checkpoint_seconds: 0}",
    "encoder.hidden=[2]",
    "discovery.bootstrap=0",
    "train.select=false",
)


class InTheMiddle(Silence):
    """Breaks off in an epoch, or before the baselines; hears where a training goes on."""

    def __init__(self, epoch: int | None = None) -> None:
        self.epoch, self.heard, self.steps = epoch, [], []

    def say(self, message: str) -> None:
        self.heard.append(message)
        if "baselines" in message:
            raise KeyboardInterrupt

    def update(self, stage, step, total, values) -> None:
        self.steps.append(step)
        if step == self.epoch:
            self.epoch = None
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "changes",
    [(), pytest.param(("discovery.members=3",), marks=pytest.mark.slow)],
)
def test_gradient_steps_go_on_in_the_middle(
    tmp_path, start_study, monkeypatch, changes
):
    config = load_config(start_study(tmp_path), (*GRADIENTS, *changes))
    hidden = unfinished_folder(config.out)

    def broken_off(listener, **options):
        with monkeypatch.context() as patch:
            patch.setattr("discovery.runs.workflow.progress_of", lambda quiet: listener)
            with pytest.raises(KeyboardInterrupt):
                run(config, **options)

    broken_off(InTheMiddle())
    trained = content(hidden)
    assert any(name.endswith(".safetensors") for name in trained)
    shutil.rmtree(hidden)
    for epoch in (3, 8):
        broken_off(InTheMiddle(epoch), resume=True)
    last = InTheMiddle()
    broken_off(last, resume=True)
    assert content(hidden) == trained
    assert "resumed after: training state" in last.heard
    assert last.steps[0] in (7, 8)  # not from the first epoch on


@pytest.mark.slow
def test_a_killed_process_is_resumed(study, config):
    """Nothing of Python runs after the kill: neither handlers nor clean-up."""
    kill = (
        "import os, discovery.runs.writing as w;"
        "w._write_pictures = lambda *_: os.kill(os.getpid(), 9);"
    )
    path, changes = study
    options = [word for change in changes for word in ("--set", change)]

    def process(before: str, *more: str) -> int:
        code = f"{before}import discovery.cli as c; c.main()"
        command = [sys.executable, "-c", code, "discover", str(path), *options, *more]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert process("") == 0
    uninterrupted = content(config.out)
    assert any(name.endswith(".png") for name in uninterrupted)
    shutil.rmtree(config.out)
    assert process(kill) == -9
    hidden = unfinished_folder(config.out)
    assert (hidden / "metrics.json").exists()  # half of the files are there
    assert process("", "--resume") == 0
    assert content(config.out) == uninterrupted


def test_without_resume_everything_is_done_again(half_done, monkeypatch):
    heard = interrupted(half_done, "baselines", monkeypatch)
    assert any("are thrown away" in line for line in heard)
    assert any("training: " in line for line in heard)


def test_with_nothing_to_resume_a_run_starts_from_the_beginning(config, monkeypatch):
    heard = interrupted(config, "training: ", monkeypatch, resume=True)
    assert "nothing to resume; starting from the beginning" in heard


def test_other_settings_are_refused_with_the_reason(half_done, study):
    path, changes = study
    other = load_config(path, [*changes, "discovery.bootstrap=11", "seed=4"])
    message = r"was begun with discovery.bootstrap = 5, now it is 11 and 1 more"
    with pytest.raises(ConfigError, match=message):
        run(other, quiet=True, resume=True)
    assert unfinished_folder(half_done.out).exists()


def test_changed_data_are_refused(half_done, study):
    file = study[0].parent / "data.csv"
    before = file.read_bytes()
    frame = pd.read_csv(file)
    frame.loc[0, "gpp"] += 1e-9
    frame.to_csv(file, index=False)
    try:
        with pytest.raises(DataError, match=r"data.csv: the data have changed since"):
            run(half_done, quiet=True, resume=True)
    finally:
        file.write_bytes(before)


def test_a_changed_process_model_is_refused(half_done, study):
    file = study[0].parent / "my_process.py"
    before = file.read_text()
    file.write_text(before + "\n")
    try:
        with pytest.raises(ConfigError, match=r"process model changed .* now SHA-256"):
            run(half_done, quiet=True, resume=True)
    finally:
        file.write_text(before)


def test_another_version_is_refused(half_done, monkeypatch):
    newer = {"sciren": "9.9", "torch": "1"}
    monkeypatch.setattr("discovery.runs.unfinished.versions", lambda: newer)
    with pytest.raises(ConfigError, match=r"the versions changed .*now sciren 9.9"):
        run(half_done, quiet=True, resume=True)


def test_a_finished_run_has_nothing_left_to_do(done, study, whole, capsys):
    assert run(done, resume=True) == done.out
    assert "is finished already" in capsys.readouterr().err
    assert content(done.out) == whole
    path, changes = study
    other = load_config(path, [*changes, "discovery.threshold=0.1"])
    with pytest.raises(ConfigError, match=r"discovery.threshold = 0.03, now it is 0.1"):
        run(other, quiet=True, resume=True)


def test_two_processes_do_not_write_the_same_run(half_done, monkeypatch):
    pytest.importorskip("fcntl")
    reached = []

    def second(*_, **__):
        with pytest.raises(ConfigError, match="another process is writing this run"):
            run(half_done, quiet=True)
        reached.append(True)
        raise KeyboardInterrupt

    monkeypatch.setattr("discovery.results.baselines.baselines", second)
    with pytest.raises(KeyboardInterrupt):
        run(half_done, quiet=True, resume=True)
    assert reached


def test_the_old_run_stays_until_the_new_one_is_finished(done, whole, monkeypatch):
    interrupted(done, "baselines", monkeypatch, overwrite=True)
    assert content(done.out) == whole
    with pytest.raises(ConfigError, match="replace it with --overwrite"):
        run(done, quiet=True, resume=True)
    run(done, overwrite=True, quiet=True, resume=True)
    assert content(done.out) == whole


def test_the_command_line_resumes(study, half_done, whole, capsys):
    path, changes = study
    options = [word for change in changes for word in ("--set", change)]
    with pytest.raises(SystemExit) as end:
        cli.main(["discover", str(path), *options, "--resume"])
    assert end.value.code == 0
    assert "resumed after: " in capsys.readouterr().err
    assert content(half_done.out) == whole


def test_a_place_that_cannot_be_written_says_so(config):
    folder = config.out.parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("a file")
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            run(config, quiet=True)
    finally:
        folder.unlink()
