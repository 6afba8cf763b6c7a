"""Every command killed at random moments, and finished by the same command again."""

import io
import random
import re
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.reliability.processes import (
    Fault,
    content,
    hidden,
    killed_after,
    killed_at_write,
    sciren,
)
from benchmarks.reliability.score import Attempts, Score
from benchmarks.reliability.study import options, write_study

WRITES = 60  # a command that writes a run changes about so many files
PACKED = "packed.zip"


@dataclass(frozen=True)
class Attack:
    """A command that is killed, and how it is finished.

    Attributes:
        name: for the report.
        command: its arguments;  again: those that finish it.
        needs_run: whether it works on a finished run.
    """

    name: str
    command: tuple[str, ...]
    again: tuple[str, ...]
    needs_run: bool = True


def attacks(study: Path) -> list[Attack]:
    """Return every command that writes on a study folder, and three that only read."""
    config, run = str(study / "CONFIG.yaml"), str(study / "runs" / "light_use")
    data, out = str(study / "data.csv"), str(study / "out.csv")
    grid = ("predict", run, str(study / "grid.nc"), "-o", str(study / "map.zarr"))
    sweep = ("--quiet", "sweep", config, "--over", "plot", *options(),
             "--set", f"out={study / 'sweep'}")  # fmt: skip
    tune = ("--quiet", "tune", config, "--trials", "3", *options())
    archive = ("archive", run)
    figures = ("figures", run, "--format", "png")
    discover = ("--quiet", "discover", config, *options())
    predict = ("predict", run, data, "-o", out)
    explain = ("--quiet", "explain", run, "--set", "discovery.bootstrap=4")
    named = (*explain, "--as", "other")
    control = ("--quiet", "control", run, "--placebos", "1")
    package = ("export", run, "-o", str(study / "package"))
    init = ("init", str(study / "fresh"), "--process-model")
    again = ("--quiet", "reproduce", str(study / PACKED), "-o", str(study / "again"),
             "--allow-code")  # fmt: skip
    return [
        Attack("discover", discover, (*discover, "--resume"), needs_run=False),
        Attack("discover --overwrite", (*discover, "--overwrite"),
               (*discover, "--overwrite", "--resume")),
        Attack("explain", explain, explain),
        Attack("explain --as", named, (*named, "--overwrite")),
        Attack("predict", predict, (*predict, "--overwrite")),
        Attack("report", ("report", run), ("report", run)),
        Attack("control", control, control),
        Attack("map", grid, (*grid, "--overwrite")),
        Attack("archive", archive, (*archive, "--overwrite")),
        Attack("figures", figures, figures),
        Attack("sweep", sweep, sweep, needs_run=False),
        Attack("tune", tune, tune, needs_run=False),
        Attack("export", package, (*package, "--overwrite")),
        Attack("init", init, init, needs_run=False),
        Attack("reproduce", again, again),
        Attack("verify", ("--quiet", "verify", run), ("--quiet", "verify", run)),
        Attack("check", ("check", config), ("check", config), needs_run=False),
        Attack("--version", ("--version",), ("--version",), needs_run=False),
    ]  # fmt: skip


class KillRange:
    """A study folder, its contents before and after every command, and the kills.

    Args:
        folder: is made, with one finished run.
        names: of the attacks; default all of them.
        run: a folder of runs to start from; default makes one.
    """

    def __init__(
        self, folder: Path, names: tuple[str, ...] = (), run: Path | None = None
    ) -> None:
        self.study = folder / "study"
        self.kept, self.log = folder / "kept", folder / "log.txt"
        write_study(self.study)
        self.attacks = [a for a in attacks(self.study) if a.name in names or not names]
        shutil.copytree(self.study, self.kept / "bare")
        if run is None:
            self.do(attacks(self.study)[0].command)
        else:
            shutil.copytree(run / "runs", self.study / "runs")
        if any(attack.name == "reproduce" for attack in self.attacks):
            place = self.study / "runs" / "light_use"
            self.do(("archive", str(place), "-o", str(self.study / PACKED)))
        shutil.copytree(self.study, self.kept / "run")
        self.expected: dict[str, dict[str, bytes]] = {}
        self.seconds: dict[str, float] = {}
        for attack in self.attacks:
            self._measure(attack)

    def _measure(self, attack: Attack) -> None:
        """Learn what a command leaves behind, and how long it works."""
        self.restore(attack)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        self.do(attack.command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        self.expected[attack.name] = timeless(self.study)
        self.seconds[attack.name] = after - before

    def restore(self, attack: Attack) -> None:
        """Put the study back to what it is before a command."""
        shutil.rmtree(self.study)
        shutil.copytree(self.kept / ("run" if attack.needs_run else "bare"), self.study)

    def do(self, command: tuple[str, ...], fault: Fault | None = None) -> int:
        """Run a command in a child; return its exit code.

        Raises:
            RuntimeError: it failed although no fault was put in.
        """
        code = sciren(command, self.log, fault)
        if fault is None and code != 0:
            raise RuntimeError(f"{' '.join(command)}: {code}: {self.log.read_text()}")
        return code

    def kill(self, attack: Attack, fault: Fault) -> list[str]:
        """Kill a command once, finish it, and say what is wrong then."""
        self.restore(attack)
        code = self.do(attack.command, fault)
        return [f"{attack.name}: {text}" for text in self.finish(attack, code == 0)]

    def finish(self, attack: Attack, done: bool) -> list[str]:
        """Finish a command that was ended, or repeat one that was done; say what is wrong."""
        try:
            self.do(attack.command if done else attack.again)
        except RuntimeError as error:
            if not (done and "already" in str(error)):
                return [str(error)]
        return self.problems(attack)

    def problems(self, attack: Attack) -> list[str]:
        """Say where the study differs from what an uninterrupted command leaves."""
        now, wanted = timeless(self.study), self.expected[attack.name]
        names = sorted(n for n in {*now, *wanted} if now.get(n) != wanted.get(n))
        left = hidden(self.study)
        found = [f"differs in {names[:4]}"] if names else []
        return found + ([f"left {left[:4]}"] if left else [])


def timeless(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, without what says how long a search took."""
    files = content(folder)
    for name, stored in files.items():
        if name.endswith("trials.journal"):
            files[name] = b""  # Optuna's own record, with the time of every entry
        elif name.endswith("trials.csv"):
            table = pd.read_csv(io.BytesIO(stored)).drop(columns="seconds")
            files[name] = table.to_csv().encode()
        elif "/trials/" in name:
            files[name] = re.sub(rb'"seconds": [^,}]*', b"", stored)
    return files


def killed_commands(range_: KillRange, attempts: Attempts) -> Score:
    """Kill every command in turn, half at moments of its work, half at its writing."""

    def attempt(number: int, rng: random.Random) -> list[str]:
        attack = range_.attacks[number % len(range_.attacks)]
        at_write = (number // len(range_.attacks)) % 2
        fault = (
            killed_at_write(rng.randint(1, WRITES))
            if at_write
            else killed_after(rng.uniform(0, range_.seconds[attack.name]))
        )
        return range_.kill(attack, fault)

    return attempts.made("killed, finished: bit-equal, nothing hidden", attempt)
