"""The command line: one line for each error, exit codes, nothing written on failure."""

import gc
import os
import re
import signal
import subprocess
import sys
import time
import types
import warnings

import pytest

from discovery import cli, entry
from discovery.commands import guard
from sciren.errors import DataWarning, ShapeError, TrainingError


def run(*arguments):
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, arguments)))
    return end.value.code


@pytest.mark.parametrize(
    "command", ["discover", "explain", "predict", "report", "init"]
)
def test_every_command_explains_itself(command, capsys):
    assert run(command, "--help") == 0
    assert command in capsys.readouterr().out


def test_the_version_is_printed(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("sciren ")


def test_wrong_usage_is_exit_code_2(capsys):
    assert run("discovr") == 2
    assert run("discover") == 2
    assert run("demo", "respiration", "--setting", "quadratic") == 2
    assert "Usage" in capsys.readouterr().err


def test_init_writes_once_and_says_what_is_next(tmp_path, capsys):
    assert run("init", tmp_path / "a", "--process-model") == 0
    out = capsys.readouterr().out
    assert f"wrote {tmp_path / 'a' / 'my_process.py'}" in out
    assert f"next: sciren discover {tmp_path / 'a' / 'CONFIG.yaml'}" in out
    assert run("init", tmp_path / "a") == 2
    assert "is there already" in capsys.readouterr().err


def test_a_data_set_is_fetched_into_a_folder_and_its_path_printed(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def fetch(folder, progress):
        asked.append((folder, progress))
        return tmp_path / "record.nc"

    monkeypatch.setattr("sciren.datasets.download_at_neu", fetch)
    assert run("data", "fetch", "at-neu", "-o", tmp_path, "--quiet") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'record.nc'}\n"
    assert run("data", "fetch", "at-neu") == 0
    assert asked == [(tmp_path, False), (None, True)]
    assert run("data", "fetch", "at-new") == 2


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch, capsys):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    nobody = "http://127.0.0.1:9/file.nc"  # no one listens at the discard port
    keywords = {"url": nobody, "blob": "0", "progress": False}
    monkeypatch.setattr(
        "sciren.datasets.at_neu.download_at_neu.__kwdefaults__", keywords
    )
    assert run("data", "fetch", "at-neu", "-o", tmp_path, "--quiet") == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {nobody} cannot be downloaded")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (TrainingError("no step\nhelps"), 1, "error: no step helps"),
        (ShapeError("three by four"), 1, "error: three by four"),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (ZeroDivisionError("by zero"), 1, "unexpected ZeroDivisionError: by zero"),
    ],
)
def test_work_that_fails_is_exit_code_1(monkeypatch, capsys, error, code, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("discovery.config.starter.write_starter", fail)
    assert run("init") == code
    assert message in capsys.readouterr().err
    with pytest.raises(type(error)):
        cli.main(["init", "--debug"])


def test_warnings_of_the_data_are_one_line_and_others_stay_silent(monkeypatch, capsys):
    def warn(*_, **__):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("some rows\nare odd", DataWarning, stacklevel=1)
            warnings.warn("library chatter", UserWarning, stacklevel=1)
        return []

    monkeypatch.setattr("discovery.config.starter.write_starter", warn)
    assert run("init") == 0
    assert capsys.readouterr().err == "warning: some rows are odd\n"


@pytest.fixture
def signals():
    """SIGINT as in a terminal, which jobs in the background ignore; both put back."""
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_interrupt_says_what_is_kept(
    monkeypatch, capsys, signals, number, code, word
):
    def wait(*_, **__):
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr("discovery.config.starter.write_starter", wait)
    assert run("init") == code
    assert capsys.readouterr().err == f"{word}: nothing was written\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_after_the_work_changes_nothing(number):
    # What is registered first runs last: the command has long returned.
    code = (
        "import atexit, os\nfrom discovery.cli import main\n"
        f"atexit.register(os.kill, os.getpid(), {int(number)})\nmain(['--version'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_interrupt_while_words_are_read_is_told(
    monkeypatch, capsys, signals, number, code, word
):
    monkeypatch.setattr(
        "discovery.cli.set_options", lambda *_: os.kill(os.getpid(), number)
    )
    assert run("init") == code
    assert capsys.readouterr().err == f"{word}: nothing was written\n"


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_interrupt_while_the_commands_are_loaded_is_told_once(
    monkeypatch, capsys, signals, number, code, word
):
    write = guard._write

    def asked_again(stream, text):
        os.kill(os.getpid(), signal.SIGINT)
        write(stream, text)

    monkeypatch.setattr(guard, "_write", asked_again)
    monkeypatch.setattr(cli, "app", lambda **_: os.kill(os.getpid(), number))
    assert run("init") == code
    assert capsys.readouterr().err == f"{word}: nothing was written\n"
    loading = types.ModuleType("discovery.cli")
    vars(loading)["__getattr__"] = lambda name: os.kill(os.getpid(), number)
    monkeypatch.setitem(sys.modules, "discovery.cli", loading)
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert end.value.code == code
    assert capsys.readouterr().err == f"{word}: nothing was written\n"


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_import_that_is_interrupted_is_no_error_of_its_own(
    monkeypatch, capsys, signals, number, code, word
):
    def loading(*_, **__):
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:  # as the code in C that loads pictures does
            raise ImportError("initialization failed") from None

    monkeypatch.setattr("discovery.config.starter.write_starter", loading)
    assert run("init") == code
    assert capsys.readouterr().err == f"{word}: nothing was written\n"


def test_a_name_that_no_system_has_is_wrong_input(capsys):
    assert run("report", "9" * 400) == 2
    assert "File name too long" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_between_work_and_end_changes_nothing(
    monkeypatch, capsys, signals, number
):
    class AskedLate(guard.Course):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "done" and value:
                os.kill(os.getpid(), number)

    monkeypatch.setattr(guard, "course", AskedLate())
    monkeypatch.setattr("discovery.config.starter.write_starter", lambda *_, **__: [])
    assert run("init") == 0
    assert capsys.readouterr().err == ""


def test_an_interrupt_of_a_run_names_the_finished_stages(monkeypatch, capsys):
    def interrupt(*_, **__):
        error = KeyboardInterrupt()
        error.add_note("finished stages are kept (training)")
        raise error

    monkeypatch.setattr("discovery.config.starter.write_starter", interrupt)
    assert run("init") == 130
    assert capsys.readouterr().err.endswith("are kept (training)\n")


def test_a_reader_who_has_left_is_no_error():
    script = "from discovery.cli import main; main(['--version'])"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_global_options_may_stand_behind_the_command():
    given = ["discover", "a.yaml", "--quiet", "--set", "b=1", "--debug", "--", "-q"]
    assert cli._globals_first(given) == [
        *["--quiet", "--debug", "discover", "a.yaml", "--set", "b=1", "--", "-q"]
    ]


def test_the_whole_way_of_a_process_model_of_ones_own(
    tmp_path, start_study, quick, capsys
):
    config = start_study(tmp_path)
    changes = [word for change in quick for word in ("--set", change)]
    assert run("discover", config, *changes, "--quiet") == 0
    out, err = capsys.readouterr()
    assert re.search(r"efficiency = .*, 0 <= efficiency   \[g MJ-1\]", out)
    assert "consistency: PASS" in out
    assert err == ""
    folder, table = tmp_path / "runs" / "light_use", tmp_path / "out.csv"
    assert f"report: {folder / 'report.html'}" in out
    assert run("discover", config, "--quiet") == 2
    err = capsys.readouterr().err
    assert "a run is there already" in err
    assert "--set out=FOLDER" in err
    assert run("predict", folder, tmp_path / "data.csv", "-o", table) == 0
    assert "by equations" in capsys.readouterr().out
    assert len(table.read_text().splitlines()) == 601
    pin = "discovery.pins={ta -> efficiency: quadratic}"
    assert run("explain", folder, "--set", pin, "-q") == 0
    assert "ta^2" in capsys.readouterr().out
    assert run("explain", folder, "--set", "seed=3") == 2
    assert "without training only" in capsys.readouterr().err
    assert run("report", folder) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")


def test_wrong_runs_are_exit_code_2(tmp_path, capsys):
    for words in (["explain"], ["report"], ["predict", "a.csv", "-o", "b.csv"]):
        command, rest = words[0], words[1:]
        assert run(command, tmp_path / "none", *rest) == 2
        assert "no such run folder" in capsys.readouterr().err


def test_the_shelf_is_listed_and_shown(capsys):
    assert run("processes") == 0
    assert "lloyd_taylor" in capsys.readouterr().out
    assert run("processes", "hill") == 0
    assert "v = vmax" in capsys.readouterr().out
    assert run("processes", "hil") == 2
    assert "Closest names: hill" in capsys.readouterr().err


def test_only_a_process_of_its_own_collects_garbage_less_often(monkeypatch, capsys):
    before = gc.get_threshold()
    try:
        assert run("--version") == 0
        assert gc.get_threshold() == before
        monkeypatch.setattr("sys.argv", ["sciren", "--version"])
        with pytest.raises(SystemExit):
            cli.main()
        assert gc.get_threshold()[0] == cli.OBJECTS
    finally:
        gc.set_threshold(*before)
    assert capsys.readouterr().out
